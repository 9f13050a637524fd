"""The receptive field of a layer's units, as `receptive_field` returns it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from keras_cnnzoo.html_table import html_table
from keras_cnnzoo.inspect.field.pixels import Pixels
from keras_cnnzoo.inspect.field.spans import Span
from keras_cnnzoo.inspect.field.windows import Number

#: Tolerance for rounding errors of fractional positions.
_CLOSE = 1e-6


@dataclass(frozen=True)
class ReceptiveField:
    """The receptive field of one layer's units, for each of the image's axes.

    Unit `i` sees `size` pixels, from `start + i * stride` on. Pixels below 0 or beyond
    the image are padding. After upsampling the stride is a fraction, and `size` is
    large enough for every unit, so it may be up to a stride too large for a single one;
    `region` is exact for each unit.

    Attributes:
        size: Number of pixels. Infinite if the unit sees all of a feature map whose
            size is not known.
        stride: Pixels from one unit to the next; 0 if all units see the same pixels, as
            after global pooling.
        start: First pixel that unit 0 sees; the negative of the "effective padding".
        order: (1, 0) for a feature map whose rows and columns are swapped: for each
            axis of the image, the matching index of a unit's position. None otherwise.
        spans: The pixels that each unit sees along each axis, including padding.
        pixels: The real pixels that each unit sees along each axis; None if the sizes
            of feature maps are not known.
        image: Size of the image to which `pixels` applies.
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

        The slices hold every pixel that can change the unit. They are empty if no pixel
        can.

        Args:
            unit: Position of the unit in its feature map, such as (row, column).
            image_size: Size of the image, such as (height, width), to which the slices
                are cut. Needed if a unit sees all of an image of unknown size.

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
        # `real` is exact within the image, but does not include padding, which counts
        # if no image size is given.
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
