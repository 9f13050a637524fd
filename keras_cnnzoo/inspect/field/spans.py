"""Which pixels the units of a feature map see along one axis, including padding.

Along one axis, each unit sees the pixels from a first to a last one, and the pattern
repeats: `first(i + period) = first(i) + shift`. If feature maps only get smaller, the
period is 1 and `shift` is the stride. After upsampling by 2 the period is 2, since two
neighbours see the same pixels. All are integers, so that no pixel is lost to rounding.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from keras_cnnzoo.inspect.field.windows import Number, Window

#: Patterns with longer periods are replaced by `even`, one window for all units.
LONGEST = 1024


class Span(NamedTuple):
    """The first and last pixel that units see; they may lie outside the image.

    Attributes:
        first: First pixel that each unit of one period sees: infinity if it sees
            nothing, minus infinity if it sees everything and the size is not known.
        last: Last pixel, likewise.
        shift: Pixels from one period to the next.
    """

    first: tuple[Number, ...] = (0,)
    last: tuple[Number, ...] = (0,)
    shift: Number = 1

    @property
    def stride(self) -> Number:
        """Pixels from one unit to the next, on average."""
        return self.shift / Fraction(len(self.first)) if self.shift else 0

    @property
    def size(self) -> Number:
        """Pixels from `start + i * stride` on that suffice for every unit `i`."""
        even = self.even
        reach = even.last[0] - even.first[0]
        if math.isinf(reach):
            return max(reach, 0)  # It is minus infinity if no unit sees anything.
        return math.floor(reach) + 1

    @property
    def start(self) -> Number:
        """The last pixel such that every unit `i` sees from `start + i * stride` on."""
        first = self.even.first[0]
        return 0 if math.isinf(first) and first > 0 else first

    def of(self, unit: int) -> tuple[Number, Number]:
        """Return the first and last pixel that one unit sees."""
        period, place = divmod(unit, len(self.first))
        moved = period * self.shift
        return self.first[place] + moved, self.last[place] + moved

    def through(self, window: Window | None, size: int | None) -> "Span":
        """Return the span of the next map's units, whose windows lie on this map.

        `size` is the number of units of this map.
        """
        if self.shift == 0 and len(self.first) == 1:
            return self
        if window is None:
            return self.all_of(size)
        step = Fraction(window.step)
        period = len(self.first)
        # After this many steps, the window is at the same position of a period again.
        times = period // math.gcd(abs(step.numerator), period)
        length = times * step.denominator
        if length > LONGEST:
            return self.even.through(window, size)
        begins, ends = window.ends(np.arange(length))
        pairs = [self._over(int(a), int(b)) for a, b in zip(begins, ends, strict=True)]
        moved = self.shift * Fraction(times * step.numerator, period)
        first, last = zip(*pairs, strict=True)
        return Span(tuple(first), tuple(last), _whole(moved))

    def all_of(self, size: int | None) -> "Span":
        """Return the span of a unit that depends on this whole map."""
        if size is None:
            return Span((-math.inf,), (math.inf,), 0)
        low, high = self._over(0, size - 1)
        return Span((low,), (high,), 0)

    def _over(self, begin: int, end: int) -> tuple[Number, Number]:
        """Return the first and last pixel that units `begin` to `end` see together."""
        if end < begin:
            return math.inf, -math.inf
        # Within a period, any unit may see furthest. If the range is longer, the first
        # and the last period are enough.
        period = len(self.first)
        ends = {begin, end}
        if period > 1:
            ends |= set(range(begin, min(begin + period, end + 1)))
            ends |= set(range(max(end - period, begin), end + 1))
        seen = [self.of(unit) for unit in ends]
        return min(a for a, _ in seen), max(b for _, b in seen)

    @property
    def even(self) -> "Span":
        """The smallest span of period 1 and the same stride that contains this one."""
        if len(self.first) == 1:
            return self
        moved = [i * self.stride for i in range(len(self.first))]
        first = min(a - m for a, m in zip(self.first, moved, strict=True))
        last = max(b - m for b, m in zip(self.last, moved, strict=True))
        return Span((first,), (last,), self.stride)


def hull(spans: Sequence[Span], size: int | None) -> Span:
    """Return a span that contains several, for each of the `size` units of a map.

    If all have the same stride, it is the smallest such span. Otherwise it has the
    stride of the widest one, and is wide enough to contain all at every unit.
    """
    distinct = list(dict.fromkeys(spans))
    if len(distinct) == 1:
        return distinct[0]
    length = math.lcm(*(len(span.first) for span in distinct))
    if len({span.stride for span in distinct}) > 1 or length > LONGEST:
        return _drifting([span.even for span in distinct], size)
    units = [[span.of(i) for span in distinct] for i in range(length)]
    return Span(
        tuple(min(a for a, _ in seen) for seen in units),
        tuple(max(b for _, b in seen) for seen in units),
        _whole(distinct[0].stride * length),
    )


def _drifting(spans: Sequence[Span], size: int | None) -> Span:
    stride = max(spans, key=lambda span: span.last[0] - span.first[0]).stride
    ends = (0, math.inf if size is None else size - 1)
    lows, highs = [], []
    for span in spans:
        drift = span.stride - stride
        # Two spans of different stride are furthest apart at an end of the map.
        apart = [drift * end for end in ends] if drift else [0]
        lows.append(span.first[0] + min(apart))
        highs.append(span.last[0] + max(apart))
    return Span((min(lows),), (max(highs),), stride)


def _whole(number: Number) -> Number:
    """Convert a number to int if it is whole."""
    return int(number) if number == number // 1 else number
