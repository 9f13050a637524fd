"""Inverted residual blocks: narrow at the shortcut, wide inside."""

from collections.abc import Mapping
from typing import Any

from keras import layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import conv_bn, depthwise_bn
from keras_cnnzoo.layers import DropPath, SqueezeExcite

LINEAR: dict[str, Any] = {"activation": None}


def inverted_residual(
    x: Any,
    filters: int,
    *,
    expanded: int | None,
    kernel: int = 3,
    stride: int = 1,
    gate: Mapping[str, Any] | None = None,
    drop_path: float = 0.0,
    name: str,
    **kwargs: Any,
) -> Any:
    """Expand by a 1x1, convolve depthwise, and project by a linear 1x1.

    The layers are `{name}_expand_conv`, `_dw_conv`, `_gate` and `_project_conv`, with
    the batch norms and activations of `conv_bn`. If the shape does not change, `{name}`
    adds the input.

    Args:
        x: The input.
        filters: Output channels.
        expanded: Channels inside; None leaves out the expanding 1x1.
        kernel: Kernel size of the depthwise convolution.
        stride: Stride of the depthwise convolution.
        gate: Arguments of a `SqueezeExcite` before the last 1x1; None leaves it out.
        drop_path: Drop path rate: the share of samples that skip the branch in
            training.
        name: Name of the block.
        **kwargs: Arguments of every `conv_bn`, such as `padding` and `bn`. `activation`
            applies to all but the last.
    """
    y = x
    if expanded is not None:
        y = conv_bn(y, expanded, 1, name=f"{name}_expand", **kwargs)
    y = depthwise_bn(y, kernel, stride=stride, name=f"{name}_dw", **kwargs)
    if gate is not None:
        y = SqueezeExcite(**gate, name=f"{name}_gate")(y)
    y = conv_bn(y, filters, 1, name=f"{name}_project", **(kwargs | LINEAR))
    return _shortcut(x, y, stride, drop_path, name)


def fused_inverted_residual(
    x: Any,
    filters: int,
    *,
    expanded: int | None,
    kernel: int = 3,
    stride: int = 1,
    drop_path: float = 0.0,
    name: str,
    **kwargs: Any,
) -> Any:
    """Expand by a full convolution instead of a 1x1 and a depthwise one.

    It has more operations but runs faster on many accelerators. The layers are
    `{name}_expand_conv` and `_project_conv`. If `expanded` is None, `{name}_conv` is
    the only convolution, and has an activation. The arguments are the same as for
    `inverted_residual`.
    """
    if expanded is None:
        y = conv_bn(x, filters, kernel, stride=stride, name=name, **kwargs)
    else:
        y = conv_bn(x, expanded, kernel, stride=stride, name=f"{name}_expand", **kwargs)
        y = conv_bn(y, filters, 1, name=f"{name}_project", **(kwargs | LINEAR))
    return _shortcut(x, y, stride, drop_path, name)


def _shortcut(x: Any, y: Any, stride: int, drop_path: float, name: str) -> Any:
    if stride > 1 or channels(x) != channels(y):
        return y
    if drop_path:
        y = DropPath(drop_path, name=f"{name}_drop_path")(y)
    return layers.Add(name=name)([y, x])
