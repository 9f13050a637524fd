"""Bound how many numbers the weights have that layers make within a context.

A configuration of a few bytes can ask for gigabytes. What it asks for is known only
when its layers are built, and must be refused before they take the memory.
"""

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_cnnzoo.internals.patching import Patch


class Bound:
    """How many numbers weights may still have, and whether they asked for more."""

    def __init__(self, numbers: int) -> None:
        self.left = numbers
        self.exceeded = False


class _Bounds(threading.local):
    """The bounds of one thread, the innermost context's last."""

    def __init__(self) -> None:
        self.open: list[Bound] = []


_BOUNDS = _Bounds()


@contextlib.contextmanager
def at_most(numbers: int) -> Iterator[Bound]:
    """Within the context, let weights made in this thread have so many numbers in all.

    A weight that would have more raises a ValueError before it is made. Whoever builds
    the layers may replace that error by one of its own; `exceeded` tells it all the
    same.
    """
    bound = Bound(numbers)
    with _PATCH.applied():
        _BOUNDS.open.append(bound)
        try:
            yield bound
        finally:
            _BOUNDS.open.remove(bound)


def _add_weight(
    plain: Callable[..., Any], layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    size = _size(*args, *([kwargs["shape"]] if "shape" in kwargs else []))
    for bound in _BOUNDS.open:
        bound.left -= size
        if bound.left < 0:
            bound.exceeded = True
            raise ValueError(f"A weight of {layer.name!r} would have {size:,} numbers.")
    return plain(layer, *args, **kwargs)


def _size(*candidates: Any) -> int:
    """Return how many numbers a weight has, by the argument that is its shape."""
    for shape in candidates:
        if isinstance(shape, int):
            return shape
        if isinstance(shape, tuple | list):
            return math.prod(side or 1 for side in shape)
    return 1


_PATCH = Patch(keras.layers.Layer, "add_weight", _add_weight)
