"""Receptive-field rules: reshapes, which split and merge dimensions."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from keras_cnnzoo.inspect.field.edges import Edge, Shape
from keras_cnnzoo.inspect.field.windows import SAME, Link, Links, Lookup, Window


def reshaped(edge: Edge) -> Links:
    """Link through `reshape`, `expand_dims`, `squeeze` and `ravel`.

    Dimensions may stay, split or merge, as in `(height, width, c)` to `(height * width,
    c)`. An output of at most two dimensions, batch and features, has no spatial ones,
    so only its batch dimension is linked.
    """
    links: list[Link] = []
    places = range(len(edge.out)) if len(edge.out) > 2 else [0]
    for sources, targets in _groups(edge.shape, edge.out):
        if len(sources) == len(targets) == 1:
            links.append(Link(sources[0], targets[0]))
            continue
        for source in sources:
            for target in targets:
                window = _window(
                    *_place(edge.shape, sources, source),
                    *_place(edge.out, targets, target),
                    total=math.prod(edge.shape[dim] or 1 for dim in sources),
                )
                if window is not None:
                    links.append(Link(source, target, window))
    return [link for link in links if link.target in places]


def _place(shape: Shape, group: Sequence[int], dim: int) -> tuple[int, int]:
    """Return a dimension's size, and its stride in memory within the group."""
    return shape[dim] or 1, math.prod(shape[d] or 1 for d in group if d > dim)


def _window(
    size: int, apart: int, units: int, steps: int, total: int
) -> Window | Lookup | None:
    """Return the window of an input dimension that an output dimension sees.

    None stands for the whole dimension. Both dimensions index the same `total` values:
    value `t` has index `t // apart % size` in the input's dimension, and index
    `t // steps % units` in the output's.
    """
    if size == 1 or units == 1:
        return None
    around = size * apart
    if steps >= around or steps * units <= apart or around % steps:
        return None  # Each index of the output occurs with every index of the input.
    if steps * units < total and (steps * units) % around:
        # Indices `units` apart. A window can express this only if the input's dimension
        # holds all values.
        alone = around == total and apart == steps == 1
        return Window(1, 0, total - units, units) if alone else None
    if around == total and steps % apart == 0:
        return Window(steps // apart, 0, steps // apart - 1)
    if around == total and apart % steps == 0:
        step = Fraction(steps, apart)
        return Window(step, step - 1, 0)
    begins = np.arange(units) * steps
    first, last = begins // apart % size, (begins + steps - 1) // apart % size
    if (last < first).any():
        return None
    return SAME if units == size and (first == begins).all() else Lookup(first, last)


def _groups(shape: Shape, out: Shape) -> Iterator[tuple[list[int], list[int]]]:
    """Pair runs of dimensions that hold the same values before and after a reshape."""
    i = j = 0
    while i < len(shape) and j < len(out):
        sources, targets = [i], [j]
        left, right = shape[i], out[j]
        i, j = i + 1, j + 1
        if left is None or right is None:
            if left is not right:
                return  # From here on it is not known which dimensions correspond.
            yield sources, targets
            continue
        while left != right:
            part, at = (shape, i) if left < right else (out, j)
            if at >= len(part) or (size := part[at]) is None:
                return
            if left < right:
                left, i = left * size, i + 1
                sources.append(at)
            else:
                right, j = right * size, j + 1
                targets.append(at)
        # Dimensions of size 1 form a group of their own or join the next one.
        yield sources, targets
