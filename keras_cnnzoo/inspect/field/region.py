"""The receptive field of a layer's units, as it is handed out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from keras_cnnzoo.html_table import html_table
from keras_cnnzoo.inspect.field.pixels import Pixels
from keras_cnnzoo.inspect.field.spans import Span
from keras_cnnzoo.inspect.field.windows import Number

#: Positions are sums of fractions; a pixel within this of an end is inside.
_CLOSE = 1e-6


@dataclass(frozen=True)
class ReceptiveField:
    """What the units of one layer see of the image, for each of the image's axes.

    Unit `i` sees the pixels from `start + i * stride` on, `size` of them. Pixels below
    0 and beyond the image are padding. Behind an enlargement the stride is a fraction,
    and `size` holds what any unit sees, which may be up to a stride more than what one
    of them does; `region` tells of one unit exactly.

    Attributes:
        size: Pixels seen. Infinite where the unit sees all of a map whose size is not
            known.
        stride: Pixels from one unit to the next; 0 where all see the same, as after
            global pooling.
        start: First pixel that unit 0 sees; the "effective padding", negated.
        order: For a map whose rows and columns are exchanged, which number of a unit's
            position each axis of the image goes with: (1, 0). None for all others.
        spans: What units see along each axis, unit by unit, padding included.
        pixels: Which real pixels units see along each axis; None where the sizes of
            maps are not known.
        image: Size of the image for which `pixels` holds.
    """

    size: tuple[float, ...]
    stride: tuple[float, ...]
    start: tuple[float, ...]
    order: tuple[int, ...] | None = field(default=None, repr=False)
    spans: tuple[Span, ...] | None = field(default=None, repr=False, compare=False)
    pixels: tuple[Pixels, ...] | None = field(default=None, repr=False, compare=False)
    image: tuple[int | None, ...] = field(default=(), repr=False, compare=False)

    def region(
        self, unit: Sequence[int], image_size: Sequence[int] | None = None
    ) -> tuple[slice, ...]:
        """Return the pixels that one unit sees, as slices of the image's axes.

        They hold every pixel that changes the unit. A slice is empty where none does.

        Args:
            unit: Position of the unit in its map, such as (row, column).
            image_size: Size of the image, such as (height, width); what lies outside
                is cut off. Needed where a unit sees all of an image of unknown size.

        Example:
            >>> field = ReceptiveField((7, 7), (2, 2), (-3, -3))
            >>> field.region((0, 10)), field.region((0, 10), (224, 224))[0]
            ((slice(-3, 4, None), slice(17, 24, None)), slice(0, 4, None))
        """
        slices = []
        for axis in range(len(self.size)):
            at = unit[axis if self.order is None else self.order[axis]]
            size = None if image_size is None else image_size[axis]
            begin, end = self._ends(axis, int(at), size)
            if math.isinf(begin) or math.isinf(end):
                raise ValueError(
                    "The unit sees all of an image whose size is not known. Pass "
                    "`image_size=(height, width)`."
                )
            slices.append(slice(int(begin), max(int(begin), int(end) + 1)))
        return tuple(slices)

    def _ends(self, axis: int, unit: int, size: int | None) -> tuple[Number, Number]:
        """Return the first and last pixel that a unit sees along an axis."""
        first, last = self._with_padding(axis, unit)
        if size is not None:
            first, last = max(first, 0), min(last, size - 1)
        known = self.image[axis] if self.pixels else None
        if self.pixels is None or known is None or size not in (None, known):
            return first, last
        real = self.pixels[axis].of(unit)
        if size is not None:
            return real or (0, -1)
        # Padding is not in it, and counts here; in the image it has the last word.
        if real is None:
            inside = last >= 0 and first < known
            return (first, first - 1) if inside else (first, last)
        return first if first < 0 else real[0], last if last >= known else real[1]

    def _with_padding(self, axis: int, unit: int) -> tuple[Number, Number]:
        if self.spans is None:
            first: Number = self.start[axis] + unit * self.stride[axis]
            last: Number = first + self.size[axis] - 1
            if math.isinf(self.size[axis]):
                return -math.inf, math.inf
            return math.floor(first + _CLOSE), math.ceil(last - _CLOSE)
        first, last = self.spans[axis].of(unit)
        if first > last:
            return 0, -1
        if math.isinf(first) or math.isinf(last):
            return first, last
        return math.ceil(first), math.floor(last)


class ReceptiveFields(dict[str, ReceptiveField]):
    """Receptive fields by the path of the layer; a notebook shows them as a table."""

    def _repr_html_(self) -> str:
        names = ("size", "stride", "start")
        rows = [
            (
                path,
                *(" x ".join(f"{n:g}" for n in getattr(one, name)) for name in names),
            )
            for path, one in self.items()
        ]
        title = "Receptive fields, in pixels of the image"
        return html_table(title, rows, columns=("layer", *names))
