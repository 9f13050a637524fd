"""Convert attributions to maps that can be laid over the images."""

import functools
import math
import warnings
from collections.abc import Iterator

import numpy as np


def finish(
    found: np.ndarray, size: tuple[int, int], *, normalize: bool = True
) -> np.ndarray:
    """Resize attribution maps to the images' size, and scale them to 0..1.

    Negative values (of pixels that lower the target's score) become 0. Each map is then
    scaled to the range 0..1. A map without positive values is all 0, with a warning.

    Args:
        found: `(batch, height, width)` values, of any size and sign.
        size: Height and width of the images; values are interpolated bilinearly.
        normalize: False only resizes the maps, and keeps their values' sign and scale.

    Raises:
        ValueError: A value is not finite.

    Example:
        >>> finish(np.array([[[-1.0, 0.0, 5.0, 10.0]]]), (1, 4))
        array([[[0. , 0. , 0.5, 1. ]]], dtype=float32)
    """
    if not np.isfinite(found).all():
        raise ValueError(
            "The attribution holds NaN or infinity. Look for them in the model's "
            "weights and answers."
        )
    found = found.astype("float32")
    if not normalize:
        return resize(found, size)
    for_it = np.maximum(found, 0)
    blank = np.flatnonzero(~for_it.any((1, 2)))
    if len(blank):
        warnings.warn(
            f"No pixel supports the target in images {blank.tolist()}, so their maps "
            "are blank. `normalize=False` returns the negative values as well.",
            stacklevel=3,
        )
    return stretch(resize(for_it, size), (1, 2))


def resize(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize `(batch, height, width)` bilinearly, with half-pixel centres."""
    if maps.shape[1:] == size:
        return maps
    rows, columns = (
        _interpolation(n, m) for n, m in zip(maps.shape[1:], size, strict=True)
    )
    return np.asarray(rows @ maps.astype("float32") @ columns.T, "float32")


@functools.lru_cache(maxsize=64)
def _interpolation(given: int, wanted: int) -> np.ndarray:
    """Return the matrix that interpolates a row of values to another length."""
    centres = np.clip((np.arange(wanted) + 0.5) * given / wanted - 0.5, 0, given - 1)
    left = np.minimum(centres.astype(int), given - 1)
    right = np.minimum(left + 1, given - 1)
    matrix = np.zeros((wanted, given), "float32")
    np.add.at(matrix, (np.arange(wanted), left), 1 - (centres - left))
    np.add.at(matrix, (np.arange(wanted), right), centres - left)
    matrix.flags.writeable = False
    return matrix


def stretch(maps: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Scale the values along some axes to 0..1; to 0 if all are equal."""
    low = maps.min(axes, keepdims=True)
    spread = maps.max(axes, keepdims=True) - low
    return (maps - low) / np.where(spread > 0, spread, 1)


def batches(count: int, size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the indices of each batch, and how many of them are not just filling.

    All batches have the same length, at most `size`, so that functions are compiled for
    one shape only. The last batch repeats its last index to reach that length.

    Example:
        >>> [(list(map(int, where)), kept) for where, kept in batches(5, 3)]
        [([0, 1, 2], 3), ([3, 4, 4], 2)]
    """
    length = batch_length(count, size)
    for start in range(0, count, length):
        where = np.arange(start, start + length)
        yield np.minimum(where, count - 1), min(length, count - start)


def batch_length(count: int, size: int) -> int:
    """Return the common length, at most `size`, of the batches for `count` items.

    Raises:
        ValueError: `size` is less than 1.
    """
    if size < 1:
        raise ValueError(f"`batch_size` is at least 1. Received: {size}")
    return math.ceil(count / math.ceil(count / size))
