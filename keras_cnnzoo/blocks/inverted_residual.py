"""Inverted residual blocks: the shortcut joins the thin maps, the wide are inside."""

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
    """Widen by a 1x1, convolve each channel by itself, go back by a linear 1x1.

    The layers are `{name}_expand_conv`, `_dw_conv`, `_gate` and `_project_conv`, with
    the batch norms and activations of `conv_bn`; `{name}` adds the shortcut, which is
    there where neither the size nor the number of maps changes.

    Args:
        x: The map.
        filters: Number of maps that come out.
        expanded: Number of maps inside; None has no 1x1 to widen.
        kernel: Size of the depthwise convolution.
        stride: Its stride.
        gate: Arguments of a `SqueezeExcite` before the last 1x1; None has none.
        drop_path: Share of the samples whose branch is left out in training.
        name: Name of the block.
        **kwargs: Arguments of every `conv_bn`, such as `padding` and `bn`; of all but
            the last also `activation`.
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
    """Widen by a whole convolution instead, for which hardware is faster.

    The layers are `{name}_expand_conv` and `_project_conv`. Where `expanded` is None,
    `{name}_conv` is the only convolution, and activated. The arguments are those of
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
