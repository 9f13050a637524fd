"""Receptive fields of tensors, and how operations pass them on."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from keras_cnnzoo.inspect.field.pixels import Pixels, union
from keras_cnnzoo.inspect.field.spans import Span, hull
from keras_cnnzoo.inspect.field.windows import Link, Links


class AxisField(NamedTuple):
    """The receptive field of a tensor along one axis of the image.

    Attributes:
        dim: The dimension of the tensor along which the field changes; None if all
            values of the tensor have the same field.
        span: The pixels that each index of that dimension sees, including padding.
        pixels: The real pixels that each index sees; None if sizes are not known.
        image: Size of the image along the axis; None if it is not known.
    """

    dim: int | None
    span: Span
    pixels: Pixels | None
    image: int | None

    def all_of(self, size: int | None) -> "AxisField":
        """Return the field of a value that depends on this whole dimension."""
        pixels = None if self.pixels is None else self.pixels.all_of()
        return AxisField(None, self.span.all_of(size), pixels, self.image)


#: The receptive field of a tensor, for each axis of the image.
TensorField: TypeAlias = tuple[AxisField, ...]


def image_field(shape: Sequence[int | None], dims: Sequence[int]) -> TensorField:
    """Return the field of the image itself; `dims` are its spatial dimensions."""
    return tuple(
        AxisField(dim, Span(), None if size is None else Pixels.of_image(size), size)
        for dim, size in ((dim, shape[dim]) for dim in dims)
    )


def carry(
    field: TensorField,
    shape: Sequence[int | None],
    links: Links,
    out: Sequence[int | None],
) -> TensorField:
    """Return the field of an operation's output through one of its inputs.

    Args:
        field: The input's field.
        shape: Shape of the input.
        links: How the output depends on the input.
        out: Shape of the output.
    """
    return tuple(_through(one, shape, links, out) for one in field)


def _through(
    field: AxisField,
    shape: Sequence[int | None],
    links: Links,
    out: Sequence[int | None],
) -> AxisField:
    if field.dim is None:
        return field
    size = shape[field.dim]
    ways = [
        _along(field, link, size, out[link.target])
        for link in links
        if link.source == field.dim
    ]
    return min(ways, key=_width) if ways else field.all_of(size)


def _along(
    field: AxisField, link: Link, size: int | None, units: int | None
) -> AxisField:
    span = field.span.through(link.window.outline, size)
    if field.pixels is None or units is None:
        return AxisField(link.target, span, None, field.image)
    pixels = field.pixels.through(link.window, units)
    return AxisField(link.target, span, pixels, field.image)


def _width(field: AxisField) -> float:
    """Return a measure of the most pixels that a unit sees, to compare fields."""
    if field.pixels is None:
        return float(field.span.size)
    return float((field.pixels.last - field.pixels.first).max(initial=-1))


def join(
    fields: Sequence[TensorField], shape: Sequence[int | None], averages: bool = True
) -> TensorField:
    """Combine a tensor's fields through each input of an operation.

    Args:
        fields: The tensor's field through each input.
        shape: Shape of the tensor.
        averages: Whether fields that are the same for all units count if there are
            others that are not.
    """
    return tuple(_join(column, shape, averages) for column in zip(*fields, strict=True))


def _join(
    fields: Sequence[AxisField], shape: Sequence[int | None], averages: bool
) -> AxisField:
    if len(fields) == 1:
        return fields[0]
    moving = [field for field in fields if field.dim is not None]
    dims = {field.dim for field in moving}
    if len(dims) > 1:
        # Fields that change along different dimensions cannot be combined exactly: each
        # unit is assumed to see all of them.
        fields = [
            field if field.dim is None else field.all_of(shape[field.dim])
            for field in fields
        ]
        dims = set()
    elif dims and not averages:
        fields = moving
    dim = next(iter(dims), None)
    size = 1 if dim is None else shape[dim]
    known = [field.pixels for field in fields if field.pixels is not None]
    return AxisField(
        dim,
        hull([field.span for field in fields], size),
        union(known) if len(known) == len(fields) else None,
        fields[0].image,
    )
