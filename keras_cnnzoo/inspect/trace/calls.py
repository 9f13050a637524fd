"""The calls that take an image to a model's output: of layers, and of operations."""

from typing import Any, NamedTuple, TypeAlias

import keras
from keras import KerasTensor

Tensors: TypeAlias = tuple[KerasTensor, ...]


class OpCall(NamedTuple):
    """A call of one operation.

    Attributes:
        op: The operation; a layer that is treated as one operation; `RAW` or None for
            code that is not made of operations.
        args: Its positional arguments, constants and weights included.
        tensors: Those of its inputs that are computed from the image, in order.
        outputs: Its outputs.
        layer: The innermost layer that calls it.
    """

    op: Any
    args: tuple[Any, ...]
    tensors: Tensors
    outputs: Tensors
    layer: keras.layers.Layer


class LayerCall(NamedTuple):
    """A call of a layer. It is listed after the calls that the layer makes.

    Attributes:
        layer: The layer.
        inputs: Its input tensors, in order.
        outputs: Its output tensors.
        leaf: Whether it calls no other layer.
        between: The operations that it calls itself, outside the layers inside it;
            none where it is a leaf.
        rank: Sorts the calls of one layer in the order in which they are numbered.
    """

    layer: keras.layers.Layer
    inputs: Tensors
    outputs: Tensors
    leaf: bool
    between: tuple[OpCall, ...]
    rank: tuple[int, ...]


class Raw:
    """Stands for code that is not made of `keras.ops`."""


RAW = Raw()
Step: TypeAlias = OpCall | LayerCall
