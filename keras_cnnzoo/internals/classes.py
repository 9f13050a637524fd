"""Make a built layer one of another class, where it is.

Keras locks a layer once it is built: nothing may be added to what it tracks. And only
the layer itself, not a new one in its place, is what models hold that cannot be built
anew from a configuration.
"""

import contextlib
from collections.abc import Iterator

import keras


def become(layer: keras.layers.Layer, kind: type[keras.layers.Layer]) -> None:
    """Have a layer be of another class, with all that it holds."""
    layer.__class__ = kind


@contextlib.contextmanager
def unlocked(layer: keras.layers.Layer) -> Iterator[None]:
    """Within the context, let a built layer track layers and weights more."""
    layer._tracker.unlock()
    try:
        yield
    finally:
        layer._tracker.lock()


def forget(layer: keras.layers.Layer, name: str) -> None:
    """Take a layer out of an attribute of another that tracks it."""
    layer._tracker.untrack(getattr(layer, name))
    delattr(layer, name)
