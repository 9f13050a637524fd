"""See, or change, every layer call inside a model, however deep it is nested.

Keras has no forward hooks. What all of its models share, Functional, Sequential
or subclassed, is that each layer inside runs through `Layer.__call__`.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras

Callback: TypeAlias = Callable[[keras.layers.Layer, tuple, Any], Any]
#: `(plain, layer, args, kwargs) -> output`, where `plain` is the call that it replaces.
Handler: TypeAlias = Callable[[Callable, keras.layers.Layer, tuple, dict], Any]
#: From a layer to the one that is called in its place.
StandIn: TypeAlias = Callable[[keras.layers.Layer], keras.layers.Layer]


class _Observers(threading.local):
    """The callbacks and handlers of one thread, the innermost context's last."""

    def __init__(self) -> None:
        self.callbacks: list[Callback] = []
        self.handlers: list[Handler] = []
        self.stand_ins: list[StandIn] = []


_OBSERVERS = _Observers()
# Held for a moment only: a replica of `tf.distribute` may wait inside of its pass.
_LOCK = threading.Lock()
_open = 0
_plain = keras.layers.Layer.__call__


@contextlib.contextmanager
def observe(callback: Callback) -> Iterator[None]:
    """Within the context, call `callback(layer, inputs, output)` after each call.

    What the callback returns takes the output's place, unless it is None.

    Only calls of the current thread are seen, innermost layers first. A compiled
    function calls Python while it is traced, not again; open the context inside it.
    """
    callbacks = _OBSERVERS.callbacks
    callbacks.append(callback)
    _patch(1)
    try:
        yield
    finally:
        _patch(-1)
        callbacks.remove(callback)


@contextlib.contextmanager
def replace_calls(handler: Handler) -> Iterator[None]:
    """Within the context, have `handler` called in the place of every layer.

    Callbacks of `observe` see nothing of it. Only calls of the current thread are
    handed over.
    """
    handlers = _OBSERVERS.handlers
    handlers.append(handler)
    _patch(1)
    try:
        yield
    finally:
        _patch(-1)
        handlers.remove(handler)


@contextlib.contextmanager
def call_instead(stand_in: StandIn) -> Iterator[None]:
    """Within the context, have `stand_in(layer)` called in the place of each layer.

    Callbacks of `observe` are still told of the layer itself. Only calls of the current
    thread are concerned, so that other threads can go on using the model.
    """
    stand_ins = _OBSERVERS.stand_ins
    stand_ins.append(stand_in)
    _patch(1)
    try:
        yield
    finally:
        _patch(-1)
        stand_ins.remove(stand_in)


def _patch(change: int) -> None:
    """Have `Layer.__call__` watched while a context is open in any thread."""
    global _open, _plain
    with _LOCK:
        if _open == 0:
            _plain = keras.layers.Layer.__call__
            keras.layers.Layer.__call__ = _watched
        _open += change
        if _open == 0:
            keras.layers.Layer.__call__ = _plain


def _watched(layer, *args, **kwargs):
    if _OBSERVERS.handlers:
        return _OBSERVERS.handlers[-1](_plain, layer, args, kwargs)
    called = layer
    for stand_in in _OBSERVERS.stand_ins:
        called = stand_in(called)
    output = _plain(called, *args, **kwargs)
    for callback in reversed(_OBSERVERS.callbacks):
        changed = callback(layer, args, output)
        output = output if changed is None else changed
    return output
