"""See every layer call inside a model, however deep it is nested.

Keras has no forward hooks. What all of its models share, Functional, Sequential
or subclassed, is that each layer inside runs through `Layer.__call__`.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator

import keras

_LOCK = threading.Lock()


@contextlib.contextmanager
def observe(
    callback: Callable[[keras.layers.Layer, tuple, object], None],
) -> Iterator[None]:
    """Within the context, call `callback(layer, inputs, output)` after each call.

    Only calls of the current thread are seen, innermost layers first. Run the model
    eagerly: a compiled function that was traced before calls no Python.
    """
    thread = threading.get_ident()
    plain = keras.layers.Layer.__call__

    def watched(layer, *args, **kwargs):
        output = plain(layer, *args, **kwargs)
        if threading.get_ident() == thread:
            callback(layer, args, output)
        return output

    with _LOCK:
        keras.layers.Layer.__call__ = watched
        try:
            yield
        finally:
            keras.layers.Layer.__call__ = plain
