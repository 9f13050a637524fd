"""Convolutions that train as parallel branches and are fused into one afterwards.

Each branch is a convolution or the identity, followed by batch norm. After training all
of them are linear, so that their sum is one convolution with a bias.
"""

import re
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import batch_norm, conv, depthwise


def branched_conv(
    x: Any,
    filters: int | None,
    kernel: int,
    *,
    stride: int = 1,
    branches: int = 1,
    fused: bool = False,
    name: str,
) -> Any:
    """Sum parallel convolutions of one feature map, each with a batch norm.

    Besides `{name}_branch1` ... there is a 1x1, `{name}_point`, if `kernel` is larger
    than 1, and only a batch norm, `{name}_identity`, if input and output have the same
    shape.

    Args:
        x: The input.
        filters: Output channels; None for a depthwise convolution.
        kernel: Height and width of the kernels.
        stride: Stride of all convolutions.
        branches: Number of parallel convolutions with the full kernel.
        fused: Whether one convolution with a bias, `{name}_fused`, replaces all
            branches.
        name: Prefix of all layer names.
    """
    if fused:
        return _conv(
            x, filters, kernel, stride=stride, use_bias=True, name=f"{name}_fused"
        )
    plain = {"use_bias": False}
    found = {
        f"{name}_branch{i}": _conv(
            x, filters, kernel, stride=stride, name=f"{name}_branch{i}_conv", **plain
        )
        for i in range(1, branches + 1)
    }
    if kernel > 1:
        point = f"{name}_point"
        y = x
        if stride > 1:
            # On CPUs, TensorFlow 2.21 crashes with an invalid memory write in the
            # gradient of a strided 1x1 convolution of an image's three channels.
            y = layers.MaxPooling2D(1, stride, name=f"{point}_pixels")(x)
        found[point] = _conv(y, filters, 1, name=f"{point}_conv", **plain)
    terms = [batch_norm(y, name=f"{branch}_bn") for branch, y in found.items()]
    if stride == 1 and filters in (None, channels(x)):
        terms.append(batch_norm(x, name=f"{name}_identity_bn"))
    return layers.Add(name=f"{name}_sum")(terms) if len(terms) > 1 else terms[0]


def _conv(x: Any, filters: int | None, kernel: int, **kwargs: Any) -> Any:
    if filters is None:
        return depthwise(x, kernel, **kwargs)
    return conv(x, filters, kernel, **kwargs)


def sum_of_branches(
    there: Mapping[str, keras.layers.Layer], layer: keras.layers.Layer
) -> list[np.ndarray]:
    """Return kernel and bias of the convolution that is equivalent to the branches.

    Args:
        there: Layers by name, among them those of the branches.
        layer: The convolution `{name}_fused`, which must be built.

    Raises:
        ValueError: There are no branches of that name.
    """
    name = re.escape(layer.name.removesuffix("_fused"))
    branches = [
        (norm, there.get(norm_name.removesuffix("_bn") + "_conv"))
        for norm_name, norm in there.items()
        if re.fullmatch(rf"{name}_(branch\d+|point|identity)_bn", norm_name)
    ]
    if not branches:
        raise ValueError(
            f"There are no branches that {layer.name!r} could stand for: no layer is "
            "called as it is, with `_branch1_bn` at the end."
        )
    kernel, bias = np.zeros(layer.kernel.shape), np.zeros(layer.bias.shape)
    # The output channels are the last axis of a kernel; of a depthwise kernel, the last
    # but one.
    outputs = 2 if isinstance(layer, keras.layers.DepthwiseConv2D) else 3
    along = [1, 1, 1, 1]
    along[outputs] = -1
    for norm, convolution in branches:
        gamma, beta, mean, variance = (w.astype(float) for w in norm.get_weights())
        scale = gamma / np.sqrt(variance + norm.epsilon)
        weight = np.zeros(kernel.shape)
        if convolution is None:
            _write_identity(weight, outputs)
        else:
            (own,) = convolution.get_weights()
            at = (weight.shape[0] - own.shape[0]) // 2
            weight[at : at + own.shape[0], at : at + own.shape[1]] = own
        kernel += weight * scale.reshape(along)
        bias += beta - mean * scale
    return [kernel, bias]


def _write_identity(kernel: np.ndarray, outputs: int) -> None:
    """Turn a kernel of zeros into the identity."""
    middle, channel = kernel.shape[0] // 2, np.arange(kernel.shape[outputs])
    if outputs == 2:
        kernel[middle, middle, channel, 0] = 1
    else:
        # In a grouped kernel, each group counts its inputs from 0.
        kernel[middle, middle, channel % kernel.shape[2], channel] = 1
