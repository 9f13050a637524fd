"""Walk over every layer inside a model, however deeply nested."""

from collections.abc import Iterator
from typing import Any, TypeVar

import keras

L = TypeVar("L", bound=keras.layers.Layer)


def sublayers(model: keras.layers.Layer, kind: type[L] = keras.layers.Layer) -> list[L]:
    """List the layers of one kind inside a model, its blocks and nested models.

    Args:
        model: A model or layer. It is listed first if it is of that kind.
        kind: A layer class, which includes its subclasses.
    """
    return [layer for layer in _walk(model, set()) if isinstance(layer, kind)]


def children(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """List the direct sublayers of a model or layer.

    For a model these are its `layers`; for another layer, the layers in its attributes,
    also inside lists, tuples and dictionaries.
    """
    if isinstance(layer, keras.Model):
        return list(layer.layers)
    return list(_held(list(vars(layer).values())))


def _walk(root: keras.layers.Layer, seen: set[int]) -> Iterator[keras.layers.Layer]:
    if id(root) in seen:
        return
    seen.add(id(root))
    yield root
    for child in children(root):
        yield from _walk(child, seen)


def _held(values: list[Any]) -> Iterator[keras.layers.Layer]:
    for value in values:
        if isinstance(value, keras.layers.Layer):
            yield value
        elif isinstance(value, dict):
            yield from _held(list(value.values()))
        elif isinstance(value, list | tuple):
            yield from _held(list(value))
