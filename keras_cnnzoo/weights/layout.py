"""From the memory layouts of others to Keras's."""

import numpy as np

Shape = tuple[int, ...]


def fit(
    array: np.ndarray, shape: Shape, *, torch: bool, flattened: Shape | None = None
) -> np.ndarray | None:
    """Bring an array to a Keras variable's shape; None where it cannot be.

    From torch, convolutions go from (out, in, height, width) to (height, width, in,
    out), and dense layers from (out, in) to (in, out). Where a dense layer follows a
    flattened map of shape `flattened` (height, width, channels), its inputs are taken
    from torch's order, channels first, to Keras's.
    """
    if torch:
        array = _from_torch(array, len(shape), flattened)
    return array if array.shape == tuple(shape) else None


def fit_stem(array: np.ndarray, shape: Shape, *, torch: bool) -> np.ndarray | None:
    """Fit a first convolution to another number of input channels.

    One channel sums the kernel, which answers a grey image as it would the same
    image in colour. More channels repeat it in turn, scaled so that the sum over
    the channels stays.
    """
    if torch:
        array = _from_torch(array, len(shape), None)
    if array.ndim != 4 or (*array.shape[:2], array.shape[3]) != (*shape[:2], shape[3]):
        return None
    present, wanted = array.shape[2], shape[2]
    if wanted == 1:
        return array.sum(axis=2, keepdims=True)
    repeated = np.take(array, np.arange(wanted) % present, axis=2)
    return repeated * (present / wanted)


def _from_torch(array: np.ndarray, rank: int, flattened: Shape | None) -> np.ndarray:
    if array.ndim == 4 and rank == 2 and array.shape[2:] == (1, 1):
        array = array[:, :, 0, 0]  # a 1x1 convolution there, a dense layer here
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    if array.ndim == 2:
        array = array.T
        if flattened is not None and array.shape[0] == np.prod(flattened):
            height, width, channels = flattened
            array = array.reshape(channels, height, width, -1).transpose(1, 2, 0, 3)
            array = array.reshape(height * width * channels, -1)
    return array
