"""Rules of receptive fields: reshapes, which part dimensions and merge them."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from keras_cnnzoo.inspect.field.edges import Edge, Shape
from keras_cnnzoo.inspect.field.windows import SAME, Link, Links, Lookup, Window


def reshaped(edge: Edge) -> Links:
    """Link through `reshape`, `expand_dims`, `squeeze` and `ravel`.

    Dimensions may stay, part or merge, as in `(height, width, c)` to `(height * width,
    c)`. What has no more than two dimensions, batch and features, has no place for
    rows.
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
    """Return a dimension's size, and how far apart its neighbours lie in memory."""
    return shape[dim] or 1, math.prod(shape[d] or 1 for d in group if d > dim)


def _window(
    size: int, apart: int, units: int, steps: int, total: int
) -> Window | Lookup | None:
    """Return which indices of one dimension an index of another sees, None for all.

    Both number the same `total` numbers. Number `t` is at index `t // apart % size` of
    the one, and at index `t // steps % units` of the other.
    """
    if size == 1 or units == 1:
        return None
    around = size * apart
    if steps >= around or steps * units <= apart or around % steps:
        return None  # Each index of the other goes with every index of the one.
    if steps * units < total and (steps * units) % around:
        # Every so many of the one, where that holds all of them.
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
    """Pair runs of dimensions that hold the same numbers before and after a reshape."""
    i = j = 0
    while i < len(shape) and j < len(out):
        sources, targets = [i], [j]
        left, right = shape[i], out[j]
        i, j = i + 1, j + 1
        if left is None or right is None:
            if left is not right:
                return  # What holds what is not known from here on.
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
        # Dimensions of one go where they stay between their neighbours.
        yield sources, targets
