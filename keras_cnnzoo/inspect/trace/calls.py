"""What a model's way from image to answer is made of: calls, of layers and inside."""

from typing import Any, NamedTuple, TypeAlias

import keras
from keras import KerasTensor

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
        rank: What sorts the calls of one layer by the order in which they count.
    """

    layer: keras.layers.Layer
    inputs: Tensors
    outputs: Tensors
    leaf: bool
    between: tuple[OpCall, ...]
    rank: tuple[int, ...]


class Raw:
    """Stands for code that does not go through `keras.ops`."""


RAW = Raw()
Step: TypeAlias = OpCall | LayerCall
