"""Which real pixels the units of a feature map see along one axis, without padding.

This needs the sizes of the image and of all feature maps. It is exact: for each unit,
the first and the last pixel of the image that the unit depends on by any path.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_cnnzoo.inspect.field.windows import Lookup, Window

#: `first` of a unit that sees no pixel; its `last` is -1.
NONE = np.iinfo(np.int64).max


class Pixels(NamedTuple):
    """The first and last pixel that each unit sees; one entry if all see the same."""

    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of_image(cls, size: int) -> "Pixels":
        """Return the pixels of the image itself: each sees itself."""
        return cls(np.arange(size), np.arange(size))

    def of(self, unit: int) -> tuple[int, int] | None:
        """Return the first and last pixel that a unit sees, None if it sees none."""
        index = min(unit, len(self.first) - 1)
        first, last = int(self.first[index]), int(self.last[index])
        return None if first > last else (first, last)

    def through(self, window: Window | Lookup, units: int) -> "Pixels":
        """Return the pixels of the next map's units, whose windows lie on this map."""
        begin, end = window.inside(np.arange(units), len(self.first))
        if window.gap == 1:
            first = _least(self.first, begin, end)
            return Pixels(first, -_least(-self.last, begin, end, empty=1))
        first, last = np.full(units, NONE), np.full(units, -1)
        for tap in range(0, int(np.max(end - begin, initial=-1)) + 1, window.gap):
            at = begin + tap
            seen = at <= end
            first[seen] = np.minimum(first[seen], self.first[at[seen]])
            last[seen] = np.maximum(last[seen], self.last[at[seen]])
        return Pixels(first, last)

    def all_of(self) -> "Pixels":
        """Return the pixels of a unit that depends on this whole map."""
        return Pixels(
            self.first.min(keepdims=True, initial=NONE),
            self.last.max(keepdims=True, initial=-1),
        )


def union(parts: Sequence[Pixels]) -> Pixels:
    """Return, for each unit, the smallest interval that holds those of all paths."""
    first, last = parts[0]
    for part in parts[1:]:
        first, last = np.minimum(first, part.first), np.maximum(last, part.last)
    return Pixels(first, last)


def _least(
    values: np.ndarray, begin: np.ndarray, end: np.ndarray, empty: int = NONE
) -> np.ndarray:
    """Return the minimum of `values[begin : end + 1]` for each pair, or `empty`."""
    lengths = np.maximum(end - begin + 1, 0)
    found = np.full(len(begin), empty)
    # A sparse table: minima of runs of 1, 2, 4, ... values. Two overlapping runs cover
    # any range.
    run, level = 1, values
    while (now := (lengths >= run)).any():
        here = now & (lengths < 2 * run)
        if here.any():
            a, b = level[begin[here]], level[end[here] - run + 1]
            found[here] = np.minimum(a, b)
        if len(level) <= run:
            break
        level = np.minimum(level[:-run], level[run:])
        run *= 2
    return found
