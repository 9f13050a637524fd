"""Which pixels of the image the units of a map see along one axis, padding left out.

This needs the sizes of the image and of all maps. It is exact: for each unit, the first
and the last pixel of the image from which any path leads to it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_cnnzoo.inspect.field.windows import Lookup, Window

#: The first pixel of a unit that sees none; its last is -1.
NONE = np.iinfo(np.int64).max


class Pixels(NamedTuple):
    """The first and last pixel of each unit; one entry where all see the same."""

    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of_image(cls, size: int) -> "Pixels":
        """Return what the image's own pixels see: themselves."""
        return cls(np.arange(size), np.arange(size))

    def of(self, unit: int) -> tuple[int, int] | None:
        """Return the first and last pixel that a unit sees, None if it sees none."""
        index = min(unit, len(self.first) - 1)
        first, last = int(self.first[index]), int(self.last[index])
        return None if first > last else (first, last)

    def through(self, window: Window | Lookup, units: int) -> "Pixels":
        """Return what the units of another map see that look at this one."""
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
        """Return what a unit sees that sees all of this map."""
        return Pixels(
            self.first.min(keepdims=True, initial=NONE),
            self.last.max(keepdims=True, initial=-1),
        )


def union(parts: Sequence[Pixels]) -> Pixels:
    """Return what units see by several paths, each from its first to its last pixel."""
    first, last = parts[0]
    for part in parts[1:]:
        first, last = np.minimum(first, part.first), np.maximum(last, part.last)
    return Pixels(first, last)


def _least(
    values: np.ndarray, begin: np.ndarray, end: np.ndarray, empty: int = NONE
) -> np.ndarray:
    """Return the least value from each begin to its end, `empty` where end is first."""
    lengths = np.maximum(end - begin + 1, 0)
    found = np.full(len(begin), empty)
    # Least values of runs of 1, 2, 4 ... ; two of them, overlapping, cover any range.
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
