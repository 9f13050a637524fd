"""Every layer inside a model, however it is nested."""

from collections.abc import Iterator
from typing import TypeVar

import keras

L = TypeVar("L", bound=keras.layers.Layer)


def sublayers(model: keras.layers.Layer, kind: type[L] = keras.layers.Layer) -> list[L]:
    """List the layers of one kind inside a model, its blocks and nested models.

    Args:
        model: A model or layer.
        kind: A layer class; its subclasses count.
    """
    return [layer for layer in _walk(model, set()) if isinstance(layer, kind)]


def _walk(root: object, seen: set[int]) -> Iterator[keras.layers.Layer]:
    """Yield layers held in attributes, lists, tuples and dictionaries, each once."""
    if id(root) in seen:
        return
    seen.add(id(root))
    if isinstance(root, keras.layers.Layer):
        yield root
        held = list(vars(root).values())
    elif isinstance(root, dict):
        held = list(root.values())
    elif isinstance(root, list | tuple):
        held = list(root)
    else:
        return
    for value in held:
        yield from _walk(value, seen)
