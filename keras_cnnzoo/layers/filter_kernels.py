"""The classical filters of image processing, as kernels.

They are written as they are laid on the image: each number multiplies the pixel under
it. That is correlation, which the field's networks call convolution, and what
`scipy.ndimage.correlate` does; a convolution in the mathematical sense would turn them
by half a turn first.
"""

import numpy as np

_SMOOTH = {"sobel": (1, 2, 1), "prewitt": (1, 1, 1), "scharr": (3, 10, 3)}
_RISE = (-1, 0, 1)
#: Kernels of one size, by name.
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
    """Return the mean of a window."""
    return np.full((size, size), 1 / size**2)


def gaussian(size: int, sigma: float) -> np.ndarray:
    """Return a Gaussian bell that adds up to one."""
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
    """Return a wave under a Gaussian bell.

    With `u = x cos(angle) + y sin(angle)` along the wave and `v` across it, rows
    counted downwards, it is `exp(-(u^2 + aspect^2 v^2) / (2 sigma^2)) cos(2 pi u /
    wavelength + phase)`.

    Args:
        size: Rows and columns.
        sigma: Width of the bell along the wave.
        wavelength: Pixels from crest to crest.
        aspect: How many times narrower the bell is across the wave.
        phase: 0 is even, a line detector; pi / 2 is odd, an edge detector.
        angle: Of the wave's direction; 0 has it run along the columns' index.
    """
    half = (size - 1) / 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    u = x * np.cos(angle) + y * np.sin(angle)
    v = y * np.cos(angle) - x * np.sin(angle)
    bell = np.exp(-(u**2 + (aspect * v) ** 2) / (2 * sigma**2))
    return bell * np.cos(2 * np.pi * u / wavelength + phase)


#: Those above, and those that the functions here make.
KINDS = tuple(sorted({*FIXED, "box", "gabor", "gaussian"}))
