"""See, or change, every layer call inside a model, however deep it is nested.

Keras has no forward hooks. What all of its models share, Functional, Sequential
or subclassed, is that each layer inside runs through `Layer.__call__`.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras

_LOCK = threading.RLock()


@contextlib.contextmanager
def observe(
    callback: Callable[[keras.layers.Layer, tuple, Any], Any],
) -> Iterator[None]:
    """Within the context, call `callback(layer, inputs, output)` after each call.

    What the callback returns takes the output's place, unless it is None.

    Only calls of the current thread are seen, innermost layers first. A compiled
    function calls Python while it is traced, not again; open the context inside it.
    """
    thread = threading.get_ident()
    plain = keras.layers.Layer.__call__

    def watched(layer, *args, **kwargs):
        output = plain(layer, *args, **kwargs)
        if threading.get_ident() == thread:
            changed = callback(layer, args, output)
            return output if changed is None else changed
        return output

    with _LOCK:
        keras.layers.Layer.__call__ = watched
        try:
            yield
        finally:
            keras.layers.Layer.__call__ = plain
