"""The end of a residual block that a family writes out layer by layer."""

from typing import Any

from keras import layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import conv_bn


def add_shortcut(
    y: Any,
    x: Any,
    *,
    stride: int = 1,
    average: bool = False,
    activation: Any = "relu",
    name: str,
) -> Any:
    """Add a block's input to what the block made of it, and activate.

    Where the shapes differ, the input comes through a 1x1 with batch norm,
    `{name}_shortcut_conv` and `_bn`. The sum is `{name}_add`, the end `{name}`.

    Args:
        y: The end of the branch.
        x: The input of the block.
        stride: By how much the branch makes the size smaller.
        average: Whether the shortcut averages 2x2 pixels to do the same, where a
            strided 1x1 would leave three out.
        activation: Of the sum.
        name: The block's.
    """
    if stride > 1 or channels(x) != channels(y):
        if average and stride > 1:
            x = layers.AveragePooling2D(
                2, stride, padding="same", name=f"{name}_shortcut_pool"
            )(x)
            stride = 1
        x = conv_bn(
            x,
            channels(y),
            1,
            stride=stride,
            activation=None,
            name=f"{name}_shortcut",
        )
    x = layers.Add(name=f"{name}_add")([y, x])
    return layers.Activation(activation, name=name)(x)
