"""Convolution and correlation, which differ by a flip of the kernel.

Both slide a kernel over an image, and sum the products of kernel and image at each
position. Correlation uses the kernel as given; convolution flips it along every axis
first. A convolutional layer computes a correlation: its kernel is learned, so it can
learn either orientation. The flip matters if the kernel is fixed in advance, and in
the gradients; see `conv_gradients`.
"""

from typing import Any, Literal

from keras import ops

Mode = Literal["valid", "same", "full"]


def correlate(image: Any, kernel: Any, mode: Mode = "valid") -> Any:
    """Slide a kernel, as given, over an image and sum the products at each position.

    Args:
        image: An array of one, two or three dimensions.
        kernel: An array with the same number of dimensions.
        mode: "valid": the positions where the whole kernel lies on the image. "full":
            the positions where any part of it does. "same": the central part of
            "full", in the size of the image. Outside the image, values count as zero.

    Raises:
        ValueError: The numbers of dimensions differ or are not 1, 2 or 3, or `mode` is
            unknown.

    Example:
        >>> print(ops.convert_to_numpy(correlate([0, 0, 1, 0, 0], [1, 2, 3])))
        [3. 2. 1.]
    """
    return _slide(image, kernel, mode, turned=False)


def convolve(image: Any, kernel: Any, mode: Mode = "valid") -> Any:
    """Do as `correlate`, with the kernel flipped along every axis.

    Convolving an image that has a single pixel of value 1 returns the kernel unflipped.
    In mode "full", convolution is commutative (image and kernel can be swapped) and
    associative (convolving with two kernels in turn equals convolving with the
    convolution of the two).

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
    """Flip a kernel along its first `rank` axes, which are the spatial ones."""
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
    # The middle of the full output. For an even kernel there are two; we take SciPy's.
    firsts = [(k - 1) // 2 if turned else k // 2 for k in kernel.shape]
    pairs = zip(firsts, image.shape, strict=True)
    return out[tuple(slice(first, first + n) for first, n in pairs)]
