"""Calls of layers and operations in a model's forward pass."""

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
        tensors: The inputs that depend on the image, in order.
        outputs: Its outputs.
        layer: The innermost layer that calls it.
    """

    op: Any
    args: tuple[Any, ...]
    tensors: Tensors
    outputs: Tensors
    layer: keras.layers.Layer


class LayerCall(NamedTuple):
    """A call of a layer, listed after the calls that the layer makes.

    Attributes:
        layer: The layer.
        inputs: Its input tensors, in order.
        outputs: Its output tensors.
        leaf: Whether it calls no other layer.
        between: The operations that it calls itself, not those of layers inside it;
            empty for a leaf.
        rank: Sort key: the calls of one layer are numbered in the order of their ranks.
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
