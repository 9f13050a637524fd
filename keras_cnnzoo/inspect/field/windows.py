"""Which input positions each output position depends on, along one axis."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, TypeAlias

import numpy as np

#: An integer or fraction; infinite if the size of a feature map is not known.
Number: TypeAlias = int | Fraction | float


class Window(NamedTuple):
    """A window that moves by `step` from one output unit to the next.

    Output unit `i` sees the input units from `first + i * step` to `last + i * step`.
    If a feature map gets larger, these limits can be fractions; the unit then sees the
    input units between them.

    Attributes:
        step: Input units from one output unit to the next.
        first: Where the window of output unit 0 begins.
        last: Where it ends, inclusive.
        gap: The dilation: of the units in the window, only every `gap`-th is seen,
            counted from the first.
    """

    step: Number = 1
    first: Number = 0
    last: Number = 0
    gap: int = 1

    def ends(self, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and last input unit that each given output unit sees."""
        step, first, last = (Fraction(n) for n in (self.step, self.first, self.last))
        whole = math.lcm(step.denominator, first.denominator, last.denominator)
        moved = units * int(step * whole)
        begin = -((-moved - int(first * whole)) // whole)
        return begin, (moved + int(last * whole)) // whole

    def inside(self, units: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the same, limited to a feature map of `size` units.

        The first is larger than the last if no unit is left.
        """
        begin, end = self.ends(units)
        before = np.maximum(-begin, 0)
        beyond = np.maximum(end - (size - 1), 0)
        return begin + _up(before, self.gap), end - _up(beyond, self.gap)

    @property
    def outline(self) -> "Window | None":
        """The window to use if padding counts as part of the image: this one."""
        return self


class Lookup(NamedTuple):
    """The window of each output unit, listed separately because no `Window` fits.

    Attributes:
        first: The first input unit that each output unit sees.
        last: The last one.
        outline: The window to use if padding counts as part of the image; None if only
            the whole feature map will do.
        gap: 1, as in `Window`.
    """

    first: np.ndarray
    last: np.ndarray
    outline: Window | None = None
    gap: int = 1

    def inside(self, units: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and last input unit that each given output unit sees."""
        return self.first[units], self.last[units]


SAME = Window()


class Link(NamedTuple):
    """A dimension of an output that moves along a dimension of an input.

    Attributes:
        source: The dimension of the input.
        target: The dimension of the output.
        window: Which indices of the source each index of the target sees.
    """

    source: int
    target: int
    window: Window | Lookup = SAME


#: How an output depends on one input. If a dimension of the input is not the source of
#: any link, each output value depends on all of it. A dimension may be the source of
#: several links; all of them hold, and the narrowest is used.
Links: TypeAlias = Sequence[Link]


def _up(numbers: np.ndarray, step: int) -> np.ndarray:
    """Round up to multiples of a step."""
    return -(-numbers // step) * step
