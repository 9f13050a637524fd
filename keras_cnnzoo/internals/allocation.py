"""Limit the number of parameters that layers may create within a context.

A configuration of a few bytes can describe layers of gigabytes. Their size is known
only when they are built, and must be checked before memory is allocated.
"""

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_cnnzoo.internals.patching import Patch


class Bound:
    """The number of parameters that are still allowed, and whether it was exceeded."""

    def __init__(self, numbers: int) -> None:
        self.left = numbers
        self.exceeded = False


class _Bounds(threading.local):
    """The bounds of one thread, that of the innermost context last."""

    def __init__(self) -> None:
        self.open: list[Bound] = []


_BOUNDS = _Bounds()


@contextlib.contextmanager
def at_most(numbers: int) -> Iterator[Bound]:
    """Limit the number of parameters created in this thread within the context.

    A weight beyond the limit raises a ValueError before it is created. Code that builds
    the layers may catch that error and raise another; `exceeded` is set in any case.
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
    """Return a weight's number of parameters, from the argument that is its shape."""
    for shape in candidates:
        if isinstance(shape, int):
            return shape
        if isinstance(shape, tuple | list):
            return math.prod(side or 1 for side in shape)
    return 1


_PATCH = Patch(keras.layers.Layer, "add_weight", _add_weight)
