"""Convert arrays between the memory layouts of other libraries and Keras's."""

import math
from collections.abc import Callable

import numpy as np

Shape = tuple[int, ...]


def fit(
    array: np.ndarray, shape: Shape, *, layout: str, flattened: Shape | None = None
) -> np.ndarray | None:
    """Convert an array from another library's layout to a Keras variable's shape.

    Trailing dimensions of size 1 are added or removed as the shape requires, such as
    those of a 1x1 convolution that is a dense layer here, or of a scale per channel.
    For a dense layer after a flattened feature map of shape `flattened` (height,
    width, channels), the inputs are reordered from torch's channels-first order.

    Returns:
        The array in that shape, or None if it does not fit.
    """
    if len(shape) == 1 and array.size == max(array.shape, default=0):
        array = array.reshape(-1)  # Caffe stored biases as (1, n, 1, 1)
    array = IMPORTS[layout](array, tuple(shape), flattened)
    return array if array.shape == tuple(shape) else None


def imported(array: np.ndarray, shape: Shape, *, layout: str) -> np.ndarray:
    """Convert an array to Keras's order of dimensions, without checking its shape."""
    return IMPORTS[layout](array, tuple(shape), None)


def _with_rank(array: np.ndarray, rank: int) -> np.ndarray:
    """Add trailing dimensions of size 1, or remove them, to reach the given rank."""
    while array.ndim > rank and array.shape[-1] == 1:
        array = array[..., 0]
    return array.reshape(array.shape + (1,) * (rank - array.ndim))


def _from_torch(array: np.ndarray, shape: Shape, flattened: Shape | None) -> np.ndarray:
    array = _with_rank(array, len(shape))
    if array.ndim < 2:
        return array
    if array.ndim == 2:
        array = array.T
        if flattened is not None and array.shape[0] == math.prod(flattened):
            height, width, channels = flattened
            array = array.reshape(channels, height, width, -1).transpose(1, 2, 0, 3)
            array = array.reshape(height * width * channels, -1)
        return array
    moved = array.transpose(*range(2, array.ndim), 1, 0)
    if moved.shape != shape and array.shape[1] == 1 and array.size == math.prod(shape):
        # A depthwise convolution: (channels * multiplier, 1, height, width).
        channels, multiplier = shape[-2:]
        split = array.reshape(channels, multiplier, *array.shape[2:])
        moved = split.transpose(*range(2, split.ndim), 0, 1)
    return moved


def to_torch(
    value: np.ndarray,
    *,
    depthwise: bool = False,
    flattened: Shape | None = None,
    rank: int | None = None,
) -> np.ndarray:
    """Convert a Keras variable to torch's layout, the inverse of `fit`.

    `rank` is the number of dimensions of the result; None keeps the number.
    """
    if value.ndim == 2:
        if flattened is not None and value.shape[0] == math.prod(flattened):
            value = value.reshape(*flattened, -1).transpose(2, 0, 1, 3)
            value = value.reshape(math.prod(flattened), -1)
        value = value.T
    elif value.ndim > 2:
        spatial = range(value.ndim - 2)
        if depthwise:
            value = value.transpose(-2, -1, *spatial)
            value = value.reshape(-1, 1, *value.shape[2:])
        else:
            value = value.transpose(-1, -2, *spatial)
    value = _with_rank(value, value.ndim if rank is None else rank)
    # NumPy's `ascontiguousarray` would turn a scalar into a vector.
    return np.asarray(value, order="C")


def _from_tflite(array: np.ndarray, shape: Shape, _: Shape | None) -> np.ndarray:
    if array.ndim == 4:
        depthwise = array.shape[0] == 1 and shape[-1] == 1 and len(shape) == 4
        array = array.transpose((1, 2, 3, 0))
        array = array if depthwise or len(shape) == 4 else array[0, 0]
    return array


def _from_keras(array: np.ndarray, shape: Shape, _: Shape | None) -> np.ndarray:
    return array


IMPORTS: dict[str, Callable[[np.ndarray, Shape, Shape | None], np.ndarray]] = {
    "torch": _from_torch,
    "tflite": _from_tflite,
    "keras": _from_keras,
}
