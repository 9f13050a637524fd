"""The end of a residual block, for families that write their blocks layer by layer."""

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
    """Add a block's input to the output of its branch, and activate.

    If the shapes differ, the input first passes through a 1x1 with batch norm,
    `{name}_shortcut_conv` and `_bn`. The sum is `{name}_add`, the activation `{name}`.

    Args:
        y: The output of the branch.
        x: The input of the block.
        stride: The total stride of the branch.
        average: Whether the shortcut has 2x2 average pooling in place of a strided 1x1,
            which would use only one of four pixels.
        activation: Activation of the sum.
        name: Name of the block.
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
