"""The kernels of classical image filters.

They are meant for correlation, in which each value multiplies the pixel below it.
Neural networks call this convolution; `scipy.ndimage.correlate` computes the same. A
mathematical convolution would first rotate the kernel by 180 degrees.
"""

import numpy as np

_SMOOTH = {"sobel": (1, 2, 1), "prewitt": (1, 1, 1), "scharr": (3, 10, 3)}
_RISE = (-1, 0, 1)
#: Kernels of fixed size, by name.
FIXED = {
    **{f"{name}_x": np.outer(smooth, _RISE) for name, smooth in _SMOOTH.items()},
    **{f"{name}_y": np.outer(_RISE, smooth) for name, smooth in _SMOOTH.items()},
    "laplacian": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "emboss": np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]),
    "vertical_line": np.array([[-1, 2, -1]] * 3),
    "horizontal_line": np.array([[-1, 2, -1]] * 3).T,
}


def box(size: int) -> np.ndarray:
    """Return a kernel that averages its window."""
    return np.full((size, size), 1 / size**2)


def gaussian(size: int, sigma: float) -> np.ndarray:
    """Return a Gaussian whose values sum to one."""
    line = np.exp(-((np.arange(size) - (size - 1) / 2) ** 2) / (2 * sigma**2))
    line /= line.sum()
    return np.outer(line, line)


def gabor(
    size: int,
    sigma: float,
    wavelength: float,
    aspect: float,
    phase: float,
    angle: float,
) -> np.ndarray:
    """Return a wave with a Gaussian envelope.

    With `u = x cos(angle) + y sin(angle)` along the wave and `v` across it, rows
    counted downwards, it is `exp(-(u^2 + aspect^2 v^2) / (2 sigma^2)) cos(2 pi u /
    wavelength + phase)`.

    Args:
        size: Rows and columns.
        sigma: Standard deviation of the Gaussian along the wave.
        wavelength: Pixels from crest to crest.
        aspect: How many times narrower the Gaussian is across the wave than along it.
        phase: Phase in radians: 0 gives a line detector, pi / 2 an edge detector.
        angle: Direction of the wave in radians; 0 is from left to right.
    """
    half = (size - 1) / 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    u = x * np.cos(angle) + y * np.sin(angle)
    v = y * np.cos(angle) - x * np.sin(angle)
    bell = np.exp(-(u**2 + (aspect * v) ** 2) / (2 * sigma**2))
    return bell * np.cos(2 * np.pi * u / wavelength + phase)


#: All names: those of `FIXED`, and those of the functions here.
KINDS = tuple(sorted({*FIXED, "box", "gabor", "gaussian"}))
