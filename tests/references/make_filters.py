"""Write what scikit-image's filters answer: `filters.npz`.

    python tests/references/make_filters.py

An image of noise, its edges by `skimage.filters`, and the real parts of four Gabor
kernels, cut to one size around their middle.
"""

from pathlib import Path

import numpy as np
from skimage import filters

TARGET = Path(__file__).parent / "filters.npz"
HALF = 4


def gabor(angle: float) -> np.ndarray:
    """Return one kernel; its width across the wave is the one along it over 0.75."""
    kernel = filters.gabor_kernel(
        1 / 4, theta=angle, sigma_x=1.5, sigma_y=1.5 / 0.75, n_stds=4, offset=0.3
    ).real
    middle = np.array(kernel.shape) // 2
    rows, columns = (slice(m - HALF, m + HALF + 1) for m in middle)
    return kernel[rows, columns]


def main() -> None:
    image = np.random.default_rng(0).normal(size=(12, 15)).astype("float32")
    edges = {
        f"{name}_{direction}": getattr(filters, f"{name}_{direction}")(image)
        for name in ("sobel", "prewitt", "scharr")
        for direction in "hv"
    }
    bank = np.stack([gabor(k * np.pi / 4) for k in range(4)])
    np.savez_compressed(TARGET, image=image, gabor=bank, **edges)
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
