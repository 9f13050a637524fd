"""Convolution, batch normalization and activation as one step."""

from collections.abc import Mapping
from typing import Any

from keras import layers

from keras_cnnzoo.axes import channel_axis

#: The constants of most papers and of PyTorch; Keras's defaults are 0.99 and 1e-3.
BATCH_NORM = {"momentum": 0.9, "epsilon": 1e-5}


def batch_norm(x: Any, *, name: str, **kwargs: Any) -> Any:
    """Normalise over the batch, along the configured channel axis."""
    return layers.BatchNormalization(
        channel_axis(), **(BATCH_NORM | kwargs), name=name
    )(x)


def conv(
    x: Any,
    filters: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: str = "symmetric",
    name: str,
    **kwargs: Any,
) -> Any:
    """Convolve; unless `padding` is "valid", the output size is `ceil(size / stride)`.

    By default strided convolutions pad both sides equally, as in Caffe and PyTorch.
    Keras's "same" pads one side only, which would shift published weights by a pixel.
    """
    x, padding = _make_room(x, kernel, stride, padding, name)
    # The variance of He et al. 2015; drawing their Gaussian takes twice the time.
    kwargs.setdefault("kernel_initializer", "he_uniform")
    return layers.Conv2D(
        filters, kernel, strides=stride, padding=padding, name=name, **kwargs
    )(x)


def depthwise(
    x: Any,
    kernel: int,
    *,
    stride: int = 1,
    padding: str = "symmetric",
    name: str,
    **kwargs: Any,
) -> Any:
    """Convolve depthwise, without bias by default, padded as in `conv`."""
    x, padding = _make_room(x, kernel, stride, padding, name)
    kwargs = {"use_bias": False, "depthwise_initializer": "he_uniform"} | kwargs
    return layers.DepthwiseConv2D(
        kernel, strides=stride, padding=padding, name=name, **kwargs
    )(x)


def _make_room(x: Any, kernel: int, stride: int, padding: str, name: str) -> Any:
    """Pad both sides equally if required; return the convolution's own padding mode."""
    if padding != "symmetric":
        return x, padding
    if stride == 1 or kernel == 1:
        return x, "same"
    return layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x), "valid"


def conv_bn(
    x: Any,
    filters: int,
    kernel: int,
    *,
    activation: Any = "relu",
    bn: Mapping[str, float] = BATCH_NORM,
    name: str,
    **kwargs: Any,
) -> Any:
    """Convolve without bias, then batch norm and activation.

    The layers are `{name}_conv`, `_bn` and `_relu`. `bn` holds arguments of the batch
    norm; the others go to the convolution.
    """
    x = conv(x, filters, kernel, use_bias=False, name=f"{name}_conv", **kwargs)
    x = batch_norm(x, name=f"{name}_bn", **bn)
    if activation:
        x = layers.Activation(activation, name=f"{name}_{activation}")(x)
    return x


def depthwise_bn(
    x: Any,
    kernel: int,
    *,
    activation: Any = "relu",
    bn: Mapping[str, float] = BATCH_NORM,
    name: str,
    **kwargs: Any,
) -> Any:
    """Convolve depthwise, then batch norm and activation, named as in `conv_bn`."""
    x = depthwise(x, kernel, name=f"{name}_conv", **kwargs)
    x = batch_norm(x, name=f"{name}_bn", **bn)
    if activation:
        x = layers.Activation(activation, name=f"{name}_{activation}")(x)
    return x
