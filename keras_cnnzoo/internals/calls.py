"""Observe or change every layer call inside a model, however deeply nested.

Keras has no forward hooks. But in all models, Functional, Sequential or subclassed,
each layer is called through `Layer.__call__`, and each operation on symbolic tensors
through `Operation.symbolic_call`.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras

from keras_cnnzoo.internals.patching import Patch

Callback: TypeAlias = Callable[[keras.layers.Layer, tuple[Any, ...], Any], Any]
#: `(plain, layer, args, kwargs) -> output`, where `plain` is the replaced call.
Handler: TypeAlias = Callable[
    [Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any
]
#: Maps a layer to the layer that is called instead.
StandIn: TypeAlias = Callable[[keras.layers.Layer], keras.layers.Layer]


class _Observers(threading.local):
    """The callbacks and handlers of one thread, those of the innermost context last."""

    def __init__(self) -> None:
        self.callbacks: list[Callback] = []
        self.of_layers: list[Handler] = []
        self.of_operations: list[Handler] = []
        self.stand_ins: list[StandIn] = []


_OBSERVERS = _Observers()


@contextlib.contextmanager
def observe(callback: Callback) -> Iterator[None]:
    """Call `callback(layer, inputs, output)` after each layer call within the context.

    The callback's return value replaces the output, unless it is None.

    Only calls of the current thread are observed, innermost layers first. A compiled
    function runs Python code only while it is traced, so open the context inside it.
    """
    with _LAYERS.applied(), _among(_OBSERVERS.callbacks, callback):
        yield


@contextlib.contextmanager
def replace_calls(layers: Handler, operations: Handler) -> Iterator[None]:
    """Call handlers instead of layers and operations within the context.

    Callbacks of `observe` are not called. Only calls of the current thread are
    replaced.

    Args:
        layers: Called instead of every layer.
        operations: Called instead of every operation on symbolic tensors.
    """
    with (
        _LAYERS.applied(),
        _OPERATIONS.applied(),
        _among(_OBSERVERS.of_layers, layers),
        _among(_OBSERVERS.of_operations, operations),
    ):
        yield


@contextlib.contextmanager
def call_instead(stand_in: StandIn) -> Iterator[None]:
    """Call `stand_in(layer)` instead of each layer within the context.

    Callbacks of `observe` still receive the original layer. Only calls of the current
    thread are affected, so that other threads can go on using the model.
    """
    with _LAYERS.applied(), _among(_OBSERVERS.stand_ins, stand_in):
        yield


@contextlib.contextmanager
def _among(many: list[Any], one: Any) -> Iterator[None]:
    many.append(one)
    try:
        yield
    finally:
        many.remove(one)


def _call_layer(
    plain: Callable[..., Any],
    layer: keras.layers.Layer,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    if _OBSERVERS.of_layers:
        return _OBSERVERS.of_layers[-1](plain, layer, args, kwargs)
    called = layer
    for stand_in in _OBSERVERS.stand_ins:
        called = stand_in(called)
    output = plain(called, *args, **kwargs)
    for callback in reversed(_OBSERVERS.callbacks):
        changed = callback(layer, args, output)
        output = output if changed is None else changed
    return output


def _call_operation(
    plain: Callable[..., Any],
    operation: keras.Operation,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    if _OBSERVERS.of_operations:
        return _OBSERVERS.of_operations[-1](plain, operation, args, kwargs)
    return plain(operation, *args, **kwargs)


_LAYERS = Patch(keras.layers.Layer, "__call__", _call_layer)
_OPERATIONS = Patch(keras.Operation, "symbolic_call", _call_operation)
