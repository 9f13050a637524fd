"""What a model's way from image to answer is made of: calls, of layers and inside."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import keras
from keras import KerasTensor

from keras_cnnzoo.call_path import CallPath
from keras_cnnzoo.inspect.trace.call_names import CallNames
from keras_cnnzoo.structure.paths import layer_paths

Tensors: TypeAlias = tuple[KerasTensor, ...]


class OpCall(NamedTuple):
    """An operation that is not looked into.

    Attributes:
        op: The operation, a layer where its kind is known, `RAW`, or None.
        args: What it was given by position, constants and weights included.
        tensors: What of that comes from the image, in order.
        outputs: What it gave.
        layer: The innermost layer that it is in.
    """

    op: Any
    args: tuple
    tensors: Tensors
    outputs: Tensors
    layer: keras.layers.Layer


class LayerCall(NamedTuple):
    """A layer has ended; what it did stands before it.

    Attributes:
        layer: Which one.
        inputs: What it was given, in order.
        outputs: What it gave.
        leaf: Whether no other layer was called in it.
        between: Of any other: the operations that are in no layer inside it.
    """

    layer: keras.layers.Layer
    inputs: Tensors
    outputs: Tensors
    leaf: bool
    between: tuple[OpCall, ...]


class Raw:
    """Stands for code that does not go through `keras.ops`."""


RAW = Raw()
Step: TypeAlias = OpCall | LayerCall


def named(
    model: keras.layers.Layer, steps: Sequence[Step]
) -> Iterator[tuple[str, LayerCall]]:
    """Yield the layers' calls with their names, `path:1` for a layer's second.

    Layers without a path, the model itself above all, are left out.
    """
    calls = [step for step in steps if isinstance(step, LayerCall)]
    for path, call in zip(call_paths(model, calls), calls, strict=True):
        if path is not None:
            yield str(path), call


def call_paths(
    model: keras.layers.Layer, calls: Sequence[LayerCall]
) -> list[CallPath | None]:
    """Name each call; None stands for a layer without a path, as the model itself."""
    names = CallNames(layer_paths(model))
    return [names.next(call.layer) for call in calls]
