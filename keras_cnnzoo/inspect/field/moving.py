"""Receptive-field rules for operations that move values, or join and split tensors."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import keras
import numpy as np
from keras import KerasTensor

from keras_cnnzoo.inspect.field.edges import (
    Edge,
    Rule,
    everything,
    positive,
    reordered,
    same_dims,
)
from keras_cnnzoo.inspect.field.windows import Link, Links, Lookup, Window


def in_order(order: Callable[[Edge, int], Sequence[int]]) -> Rule:
    """Return the rule for an operation that reorders dimensions."""
    return lambda edge: reordered(order(edge, len(edge.shape)))


def transposed(edge: Edge, rank: int) -> Sequence[int]:
    """Return the order in which `transpose` puts dimensions."""
    axes = edge.op.axes
    return range(rank - 1, -1, -1) if axes is None else positive(axes, rank)


def moved(edge: Edge, rank: int) -> Sequence[int]:
    """Return the order in which `moveaxis` puts dimensions."""
    source = positive(edge.op.source, rank)
    order = [dim for dim in range(rank) if dim not in source]
    pairs = zip(positive(edge.op.destination, rank), source, strict=True)
    for target, dim in sorted(pairs):
        order.insert(target, dim)
    return order


def swapped(edge: Edge, rank: int) -> Sequence[int]:
    """Return the order in which `swapaxes` puts dimensions."""
    order = list(range(rank))
    a, b = edge.op.axis1 % rank, edge.op.axis2 % rank
    order[a], order[b] = b, a
    return order


def flipped(edge: Edge) -> Links:
    """Link through `flip`."""
    rank = len(edge.shape)
    axis = edge.op.axis
    return _turned(edge, positive(range(rank) if axis is None else axis, rank))


def flipped_along(axis: int) -> Rule:
    """Return the rule of `flipud` and `fliplr`."""
    return lambda edge: _turned(edge, [axis])


def _turned(edge: Edge, axes: Sequence[int]) -> Links:
    links = same_dims([dim for dim in range(len(edge.shape)) if dim not in axes])
    return [*links, *(_backwards(edge, dim, dim) for dim in axes if edge.shape[dim])]


def _backwards(edge: Edge, source: int, target: int) -> Link:
    end = (edge.shape[source] or 1) - 1
    return Link(source, target, Window(-1, end, end))


def rotated(edge: Edge) -> Links:
    """Link through `rot90`."""
    a, b = positive(edge.op.axes, len(edge.shape))
    times = edge.op.k % 4
    rest = same_dims([dim for dim in range(len(edge.shape)) if dim not in (a, b)])
    if None in (edge.shape[a], edge.shape[b]):
        return rest
    turns = {
        0: same_dims((a, b)),
        1: [Link(a, b), _backwards(edge, b, a)],
        2: [_backwards(edge, a, a), _backwards(edge, b, b)],
        3: [_backwards(edge, a, b), Link(b, a)],
    }
    return [*rest, *turns[times]]


def rolled(edge: Edge) -> Links:
    """Link through `roll`: values that leave on one side come in on the other."""
    rank, shift, axis = len(edge.shape), edge.op.shift, edge.op.axis
    if axis is None:
        return everything(edge)
    axes = positive(axis, rank)
    shifts = [shift] * len(axes) if isinstance(shift, int) else list(shift)
    links = same_dims([dim for dim in range(rank) if dim not in axes])
    for dim, by in zip(axes, shifts, strict=True):
        size = edge.shape[dim]
        if size is not None and axes.count(dim) == 1:
            taken = (np.arange(size) - by) % size
            links.append(Link(dim, dim, Lookup(taken, taken)))
    return links


def padded(edge: Edge) -> Links:
    """Link through `pad`."""
    if edge.given:  # The fill value.
        return everything(edge)
    rank, width, mode = len(edge.shape), edge.op.pad_width, edge.op.mode
    pairs = list(width) * rank if len(width) == 1 else list(width)
    links = []
    for dim, (before, behind) in enumerate(pairs):
        size, plain = edge.shape[dim], Window(1, -before, -before)
        if mode == "constant" or not (before or behind):
            links.append(Link(dim, dim, plain))
        elif size is None:  # A padded unit may see the mirrored position inside.
            least, most = -before - 2 * behind, 2 * before - before
            links.append(Link(dim, dim, Window(1, least, most)))
        else:
            if mode == "symmetric" and keras.backend.backend() == "torch":
                mode = "edge"  # Keras 3.15 repeats the last pixel there.
            taken = np.pad(np.arange(size), (before, behind), mode)
            links.append(Link(dim, dim, Lookup(taken, taken, plain)))
    return links


def repeated(edge: Edge) -> Links:
    """Link through `repeat`."""
    times, axis, rank = edge.op.repeats, edge.op.axis, len(edge.shape)
    if axis is None or not isinstance(times, int):
        return everything(edge)
    step = Fraction(1, times)
    links = same_dims([dim for dim in range(rank) if dim != axis % rank])
    return [*links, Link(axis % rank, axis % rank, Window(step, step - 1, 0))]


def tiled(edge: Edge) -> Links:
    """Link through `tile`."""
    times, ahead = edge.op.repeats, len(edge.out) - len(edge.shape)
    times = [times] if isinstance(times, int) else list(times)
    times = [1] * (len(edge.out) - len(times)) + times
    links = []
    for dim, size in enumerate(edge.shape):
        if times[ahead + dim] == 1:
            links.append(Link(dim, ahead + dim))
        elif size is not None:
            taken = np.arange(size * times[ahead + dim]) % size
            links.append(Link(dim, ahead + dim, Lookup(taken, taken)))
    return links


def joined(axis_of: Callable[[Edge], int | None]) -> Rule:
    """Return the rule for an operation that concatenates along an existing axis."""

    def rule(edge: Edge) -> Links:
        axis, rank = axis_of(edge), len(edge.shape)
        if axis is None or axis >= rank:
            return everything(edge)
        axis %= rank
        links = same_dims([dim for dim in range(rank) if dim != axis])
        ahead = [x.shape[axis] for x in _before(edge)]
        if None in ahead:
            return links
        return [*links, Link(axis, axis, Window(1, -sum(ahead), -sum(ahead)))]

    return rule


def _before(edge: Edge) -> list[KerasTensor]:
    """List the parts concatenated before a tensor, constants included."""
    parts = list(edge.args[0] if len(edge.args) == 1 else edge.args)
    symbolic = [i for i, x in enumerate(parts) if isinstance(x, KerasTensor)]
    return parts[: symbolic[edge.given]]


def stacked(edge: Edge) -> Links:
    """Link through `stack`."""
    rank = len(edge.shape)
    new = edge.op.axis % (rank + 1)
    return [Link(dim, dim + (dim >= new)) for dim in range(rank)]


def parted(axis_of: Callable[[Edge], int]) -> Rule:
    """Return the rule for an operation that splits a tensor along an axis."""

    def rule(edge: Edge) -> Links:
        rank, axis = len(edge.shape), axis_of(edge) % len(edge.shape)
        links = same_dims([dim for dim in range(rank) if dim != axis])
        sizes = [x.shape[axis] for x in edge.call.outputs[: edge.output]]
        if None in sizes:
            return links
        return [*links, Link(axis, axis, Window(1, sum(sizes), sum(sizes)))]

    return rule


def unstacked(edge: Edge) -> Links:
    """Link through `unstack`."""
    rank = len(edge.shape)
    axis = edge.op.axis % rank
    return [Link(dim, dim - (dim > axis)) for dim in range(rank) if dim != axis]


def sliced(edge: Edge) -> Links:
    """Link through indexing, `x[...]`."""
    key = edge.args[1]
    key = list(key) if isinstance(key, tuple | list) else [key]
    taken = sum(isinstance(part, int | slice) for part in key)
    if edge.given or taken + key.count(None) + key.count(...) < len(key):
        return everything(edge)
    rest = [slice(None)] * (len(edge.shape) - taken)
    if ... in key:
        key[key.index(...) : key.index(...) + 1] = rest
    else:
        key += rest
    links = []
    source = target = 0
    for part in key:
        if part is None:
            target += 1
        elif isinstance(part, slice):
            window = _steps(edge.shape[source], part)
            if window is not None:
                links.append(Link(source, target, window))
            source, target = source + 1, target + 1
        else:
            source += 1
    return links


def _steps(size: int | None, part: slice) -> Window | None:
    if part == slice(None):
        return Window()
    if size is not None:
        start, _, step = part.indices(size)
    else:
        start, step = part.start or 0, part.step or 1
        if start < 0 or step < 0:  # Counts from the end, but the size is not known.
            return None
    return Window(step, start, start)


def cut(edge: Edge) -> Links:
    """Link through `slice(x, start, shape)`."""
    starts = edge.args[1]
    if edge.given or not all(isinstance(n, int | np.integer) for n in starts):
        return everything(edge)
    return [Link(dim, dim, Window(1, int(n), int(n))) for dim, n in enumerate(starts)]


def taken(edge: Edge) -> Links:
    """Link through `take`."""
    rank, axis = len(edge.shape), edge.op.axis
    indices = edge.args[1] if len(edge.args) > 1 else None
    if axis is None or edge.given or isinstance(indices, KerasTensor):
        return everything(edge)
    axis %= rank
    shift = len(edge.out) - rank
    links = [
        Link(dim, dim if dim < axis else dim + shift)
        for dim in range(rank)
        if dim != axis
    ]
    size = edge.shape[axis]
    if shift == 0 and size is not None:
        chosen = np.asarray(indices) % size
        links.append(Link(axis, axis, Lookup(chosen, chosen)))
    return links
