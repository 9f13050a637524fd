"""Receptive-field rules: which input positions each output position depends on.

`RULES` has a rule for each operation of `keras.ops`, by class name; a test checks that
none of the installed Keras is missing. An operation without a rule, such as a new one
of a later Keras, is assumed to depend on its whole input, and a warning says so once.
"""

import warnings
from collections.abc import Callable

import keras

from keras_cnnzoo.axes import is_channels_last
from keras_cnnzoo.inspect.field import moving, products
from keras_cnnzoo.inspect.field.edges import (
    Edge,
    Rule,
    everything,
    positive,
    same_dims,
)
from keras_cnnzoo.inspect.field.kinds import (
    EVERYTHING,
    MIXING,
    MIXING_CHANNELS,
    MIXING_LAST,
    PIXELWISE,
    PIXELWISE_IN_THE_FIRST,
    RESHAPING,
)
from keras_cnnzoo.inspect.field.reshaping import reshaped
from keras_cnnzoo.inspect.field.sliding import SLIDING
from keras_cnnzoo.inspect.field.windows import Link, Links, Window
from keras_cnnzoo.inspect.trace.calls import Raw
from keras_cnnzoo.inspect.trace.dataflow import COMPOSED

_warned: set[type] = set()


def links(edge: Edge) -> Links:
    """Return how an output depends on an input; warn once per unknown operation."""
    op, kind = edge.op, type(edge.op)
    if op is None or kind is Raw:
        layer = type(edge.call.layer)
        _warn(
            layer,
            f"{layer.__name__} has code that is not made of `keras.ops`. Where that "
            "keeps height and width, `receptive_field` takes it to work pixel by "
            "pixel; else to see everything.",
        )
        return everything(edge) if op is None else _raw(edge)
    if isinstance(op, keras.layers.Layer):  # A layer treated as one operation.
        return RULES.get(kind.__name__, everything)(edge)
    if kind.__module__.startswith("keras.") and kind.__name__ in RULES:
        return RULES[kind.__name__](edge)
    _warn(
        kind,
        f"The operation {kind.__name__} (of {kind.__module__}) is not known to "
        "`receptive_field`: what comes behind it is taken to see the whole image.",
    )
    return everything(edge)


def _warn(kind: type, message: str) -> None:
    """Warn once per kind."""
    if kind not in _warned:
        _warned.add(kind)
        warnings.warn(message, stacklevel=3)


def _pixelwise(edge: Edge) -> Links:
    ahead = len(edge.out) - len(edge.shape)
    return [
        Link(dim, ahead + dim)
        for dim, size in enumerate(edge.shape)
        if size == edge.out[ahead + dim]
    ]


def _first_pixelwise(edge: Edge) -> Links:
    return everything(edge) if edge.position else _pixelwise(edge)


def _raw(edge: Edge) -> Links:
    """Link dimensions of equal size, for code that does not use `keras.ops`."""
    pairs = zip(edge.shape, edge.out, strict=True)
    return same_dims([dim for dim, (n, m) in enumerate(pairs) if n == m])


def _mixing(edge: Edge) -> Links:
    rank = len(edge.shape)
    axis = getattr(edge.op, "axis", getattr(edge.op, "axes", None))
    mixed = range(rank) if axis is None else positive(axis, rank)
    kept = [dim for dim in range(rank) if dim not in mixed]
    if len(edge.out) == rank:
        return same_dims(kept)
    if len(edge.out) == len(kept):
        return [Link(dim, target) for target, dim in enumerate(kept)]
    return everything(edge)


def _along_axis(edge: Edge) -> Links:
    """Link through an operation that picks values along one axis."""
    axis, rank = edge.op.axis, len(edge.shape)
    if axis is None or edge.shape is None or len(edge.out) != rank:
        return everything(edge)
    pairs = enumerate(zip(edge.shape, edge.out, strict=True))
    return same_dims([d for d, (n, m) in pairs if d != axis % rank and n == m])


def _mixing_last(count: int) -> Rule:
    def rule(edge: Edge) -> Links:
        kept = len(edge.shape) - count
        return same_dims(range(min(kept, len(edge.out))))

    return rule


def _mixing_channels(edge: Edge) -> Links:
    rank = len(edge.shape)
    # Counted from the end: a resize may take one image, without a batch.
    channels = rank - 1 if is_channels_last(edge.op.data_format) else rank - 3
    return same_dims([dim for dim in range(rank) if dim != channels])


def _differences(edge: Edge) -> Links:
    rank, axis = len(edge.shape), edge.op.axis % len(edge.shape)
    rest = same_dims([dim for dim in range(rank) if dim != axis])
    return [*rest, Link(axis, axis, Window(1, 0, edge.op.n))]


def _at_least(axis: int, rank: int) -> Callable[[Edge], int | None]:
    """Return a function for `axis` if the input has at least `rank` dimensions."""
    return lambda edge: axis if len(edge.shape) >= rank else None


RULES: dict[str, Rule] = {
    **dict.fromkeys(EVERYTHING, everything),
    **dict.fromkeys(COMPOSED, everything),
    **dict.fromkeys(PIXELWISE, _pixelwise),
    **dict.fromkeys(PIXELWISE_IN_THE_FIRST, _first_pixelwise),
    **dict.fromkeys(MIXING, _mixing),
    **dict.fromkeys(MIXING_CHANNELS, _mixing_channels),
    **dict.fromkeys(RESHAPING, reshaped),
    **{n: _mixing_last(count) for count in MIXING_LAST for n in MIXING_LAST[count]},
    **SLIDING,
    "Append": moving.joined(lambda edge: edge.op.axis),
    "ArraySplit": moving.parted(lambda edge: edge.op.axis),
    "Concatenate": moving.joined(lambda edge: edge.op.axis),
    "Diff": _differences,
    "DotProductAttention": products.attention,
    "Dsplit": moving.parted(lambda edge: 2),
    "Dstack": moving.joined(_at_least(2, 3)),
    "Einsum": products.einsum,
    "Flip": moving.flipped,
    "Fliplr": moving.flipped_along(1),
    "Flipud": moving.flipped_along(0),
    "GetItem": moving.sliced,
    "Hsplit": moving.parted(lambda edge: 1 if len(edge.shape) > 1 else 0),
    "Hstack": moving.joined(_at_least(1, 2)),
    "Matmul": products.matmul,
    "Moveaxis": moving.in_order(moving.moved),
    "Pad": moving.padded,
    "Repeat": moving.repeated,
    "Roll": moving.rolled,
    "Rot90": moving.rotated,
    "Slice": moving.cut,
    "Split": moving.parted(lambda edge: edge.op.axis),
    "Stack": moving.stacked,
    "Swapaxes": moving.in_order(moving.swapped),
    "Take": moving.taken,
    "TakeAlongAxis": _along_axis,
    "Tile": moving.tiled,
    "Transpose": moving.in_order(moving.transposed),
    "Unstack": moving.unstacked,
    "Vsplit": moving.parted(lambda edge: 0),
    "Vstack": moving.joined(_at_least(0, 2)),
}
