"""What a unit of a map sees of the image, as arithmetic on intervals.

Along one axis, unit `i` of a map sees the pixels from `low + i * stride` to `high + i *
stride`. Every operation has its output's unit see a window of its input's units; to
put the one into the other gives what it sees of the image.

Strides are fractions where maps grow; then an interval holds the pixels seen and may
end between two of them.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, TypeAlias

#: Infinite where a map's size is not known.
Number: TypeAlias = int | Fraction | float


class Window(NamedTuple):
    """Output unit `i` sees input units `first + i * step` to `last + i * step`."""

    step: Number = 1
    first: Number = 0
    last: Number = 0


SAME = Window()


def everything(size: int | None) -> Window:
    """Return the window of a unit that sees a whole map."""
    return Window(0, -math.inf, math.inf) if size is None else Window(0, 0, size - 1)


class Field(NamedTuple):
    """What the units of a map see along one axis of the image."""

    low: Number = 0
    high: Number = 0
    stride: Number = 1

    def through(self, window: Window) -> "Field":
        """Return the field of units that see this map through a window."""
        if self.stride == 0:
            return self
        ends = sorted((self.stride * window.first, self.stride * window.last))
        return Field(self.low + ends[0], self.high + ends[1], self.stride * window.step)


def hull(fields: Sequence[Field], size: int | None) -> Field:
    """Return one receptive field that contains several, for every unit.

    If their strides differ, there is no smallest such field. The one returned has the
    stride of the widest, and contains the others for each of the `size` units.
    """
    stride = max(fields, key=lambda field: field.high - field.low).stride
    ends = (0, math.inf if size is None else size - 1)
    lows, highs = [], []
    for field in fields:
        drift = field.stride - stride
        # At the one end or the other the two lie furthest apart.
        apart = [drift * end for end in ends] if drift else [0]
        lows.append(field.low + min(apart))
        highs.append(field.high + max(apart))
    return Field(min(lows), max(highs), stride)


class Along(NamedTuple):
    """What a tensor sees along one axis of the image.

    `dim` is the dimension of the tensor whose index the field steps with; None where
    each number of the tensor sees the same.
    """

    dim: int | None
    field: Field


#: What a tensor sees, for each axis of the image.
View: TypeAlias = tuple[Along, ...]


class Link(NamedTuple):
    """A dimension of the input, and the window that an output's index opens on it."""

    dim: int
    window: Window = SAME


#: For each dimension of an output, what of one input it steps with. Of a dimension of
#: the input that no dimension of the output steps with, each number sees all.
Wiring: TypeAlias = Sequence[Link | None]


def carry(view: View, shape: Sequence[int | None], wiring: Wiring) -> View:
    """Return what an operation's output sees through one of its inputs."""

    def one(along: Along) -> Along:
        if along.dim is None:
            return along
        for dim, link in enumerate(wiring):
            if link is not None and link.dim == along.dim:
                return Along(dim, along.field.through(link.window))
        return Along(None, along.field.through(everything(shape[along.dim])))

    return tuple(one(along) for along in view)


def join(
    views: Sequence[View], shape: Sequence[int | None], averages: bool = True
) -> View:
    """Return what a tensor of some shape sees that was made of several.

    Args:
        views: What each of them sees.
        shape: Of the tensor.
        averages: Whether what is the same for all units counts beside what is not.
    """
    return tuple(_join(column, shape, averages) for column in zip(*views, strict=True))


def _join(
    alongs: Sequence[Along], shape: Sequence[int | None], averages: bool
) -> Along:
    stepping = [along for along in alongs if along.dim is not None]
    dims = {along.dim for along in alongs if along.dim is not None}
    if len(dims) == 1:
        (dim,) = dims
        counting = alongs if averages else stepping
        return Along(dim, hull([along.field for along in counting], shape[dim]))
    # One steps with rows where the other steps with columns: each sees all of both.
    fields = [
        along.field
        if along.dim is None
        else along.field.through(everything(shape[along.dim]))
        for along in alongs
    ]
    return Along(None, hull(fields, 1))
