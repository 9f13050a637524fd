"""Convolution and correlation, which differ by a flip of the kernel.

Both slide a kernel over an image and add up products. Correlation lays the kernel on
the image as it is written; convolution turns it by half a turn first. A convolutional
layer correlates: its kernel is learned, and whichever way round it is learned makes no
difference. It does where a kernel is given, and in the gradients; see `conv_gradients`.
"""

from typing import Any, Literal

from keras import ops

Mode = Literal["valid", "same", "full"]


def correlate(image: Any, kernel: Any, mode: Mode = "valid") -> Any:
    """Lay a kernel on every place of an image as it is, multiply and add up.

    Args:
        image: An array of one, two or three dimensions.
        kernel: An array of as many.
        mode: "valid", the places where all of the kernel lies on the image; "full",
            those where any of it does; "same", the middle of "full", of the image's
            size. What is not on the image counts as zero.

    Raises:
        ValueError: The dimensions differ, are none of 1, 2, 3, or `mode` is unknown.

    Example:
        >>> print(ops.convert_to_numpy(correlate([0, 0, 1, 0, 0], [1, 2, 3])))
        [3. 2. 1.]
    """
    return _slide(image, kernel, mode, turned=False)


def convolve(image: Any, kernel: Any, mode: Mode = "valid") -> Any:
    """Do as `correlate` with the kernel turned by half a turn.

    An image of one bright pixel gives the kernel back, the right way round; the order
    of the two does not matter in "full"; and to convolve twice is to convolve with the
    convolution of both kernels.

    Args:
        image: As for `correlate`.
        kernel: As for `correlate`.
        mode: As for `correlate`.

    Raises:
        ValueError: As for `correlate`.

    Example:
        >>> print(ops.convert_to_numpy(convolve([0, 0, 1, 0, 0], [1, 2, 3])))
        [1. 2. 3.]
    """
    return _slide(image, kernel, mode, turned=True)


def turn(kernel: Any, rank: int) -> Any:
    """Return a kernel with its first `rank` dimensions, all of its rows, turned."""
    return ops.flip(kernel, axis=tuple(range(rank)))


def _slide(image: Any, kernel: Any, mode: str, *, turned: bool) -> Any:
    image = ops.convert_to_tensor(image, "float32")
    kernel = ops.convert_to_tensor(kernel, "float32")
    rank = len(image.shape)
    if rank not in (1, 2, 3) or len(kernel.shape) != rank:
        raise ValueError(
            "Image and kernel have the same one, two or three dimensions. Received "
            f"shapes: {tuple(image.shape)} and {tuple(kernel.shape)}"
        )
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"`mode` is 'valid', 'same' or 'full'. Received: {mode!r}")
    kernel = turn(kernel, rank) if turned else kernel
    around = [0 if mode == "valid" else k - 1 for k in kernel.shape]
    padded = ops.pad(image, [(n, n) for n in around])[None, ..., None]
    full = ops.conv(padded, kernel[..., None, None], data_format="channels_last")
    out = full[0, ..., 0]
    if mode != "same":
        return out
    # Of the full output's middle; an even kernel's odd place goes as in SciPy.
    firsts = [(k - 1) // 2 if turned else k // 2 for k in kernel.shape]
    pairs = zip(firsts, image.shape, strict=True)
    return out[tuple(slice(first, first + n) for first, n in pairs)]
