"""Which units of its input each unit of an operation's output sees, along one axis."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, TypeAlias

import numpy as np

#: A whole number or a fraction; infinite where the size of a map is not known.
Number: TypeAlias = int | Fraction | float


class Window(NamedTuple):
    """A window that moves by `step` from one output unit to the next.

    Output unit `i` sees the input units from `first + i * step` to `last + i * step`.
    These may be fractions, where a map grows; then it sees the units between them.

    Attributes:
        step: Input units from one output unit to the next.
        first: Where the window of output unit 0 begins.
        last: Where it ends, inclusive.
        gap: Only every so many of these units are seen, counted from the first; more
            than 1 under dilation.
    """

    step: Number = 1
    first: Number = 0
    last: Number = 0
    gap: int = 1

    def ends(self, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and last input unit that each of some output units sees."""
        step, first, last = (Fraction(n) for n in (self.step, self.first, self.last))
        whole = math.lcm(step.denominator, first.denominator, last.denominator)
        moved = units * int(step * whole)
        begin = -((-moved - int(first * whole)) // whole)
        return begin, (moved + int(last * whole)) // whole

    def inside(self, units: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the same of a map of `size` units: what lies outside is left out.

        The first is larger than the last where nothing is left.
        """
        begin, end = self.ends(units)
        before = np.maximum(-begin, 0)
        beyond = np.maximum(end - (size - 1), 0)
        return begin + _up(before, self.gap), end - _up(beyond, self.gap)

    @property
    def outline(self) -> "Window | None":
        """The window that stands for it where padding counts as image."""
        return self


class Lookup(NamedTuple):
    """The window of each output unit, one by one, where no rule of a few numbers fits.

    Attributes:
        first: The first input unit that each output unit sees.
        last: The last one.
        outline: The window that stands for it where padding counts as image; None if
            that has to be the whole map.
        gap: 1; as of `Window`.
    """

    first: np.ndarray
    last: np.ndarray
    outline: Window | None = None
    gap: int = 1

    def inside(self, units: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and last input unit that each of some output units sees."""
        return self.first[units], self.last[units]


SAME = Window()


class Link(NamedTuple):
    """One dimension of an output steps along one of an input.

    Attributes:
        source: The dimension of the input.
        target: The dimension of the output.
        window: Which indices of the source each index of the target sees.
    """

    source: int
    target: int
    window: Window | Lookup = SAME


#: How an output depends on one input. Of a dimension of the input that is not a source
#: in it, each number of the output sees all. A dimension may be a source several times;
#: each link is true, and the one that tells most is taken.
Links: TypeAlias = Sequence[Link]


def _up(numbers: np.ndarray, step: int) -> np.ndarray:
    """Round up to multiples of a step."""
    return -(-numbers // step) * step
