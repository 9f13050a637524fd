"""Make one convolution of those that train as several branches side by side."""

import re
from collections.abc import Mapping
from typing import Any

import keras

from keras_cnnzoo.blocks.reparametrized import branched_conv, sum_of_branches
from keras_cnnzoo.surgery.copying import Pair, call_with, carry_over, is_graph, twins

#: What `branched_conv` calls its layers, behind the name of the convolution.
_LAYER = re.compile(
    r"(?P<name>.+)_(?:(?:branch\d+|point|identity)_(?:conv|conv_pad|bn|pixels)|sum)"
)


def fuse(model: keras.Model) -> keras.Model:
    """Return a copy whose branched convolutions are one convolution each.

    RepVGG and MobileOne train with several convolutions and batch norms side by side.
    Once they are trained, each sum of branches is one convolution with a bias, which
    computes the same in less time and memory. The names and shapes of the copy's
    weights are those of a network that is built with `fused=True`. It is for inference:
    batch norms no longer see the batch.

    Args:
        model: A Functional or Sequential model that holds such blocks, itself or in a
            model nested in it. It stays as it is.

    Returns:
        The copy, which is not compiled. Outputs agree with the model's to about 1e-5.

    Raises:
        ValueError: The model holds no branched convolution, or is subclassed.

    Example:
        >>> from keras_cnnzoo import build
        >>> model = build("repvgg_a0", input_shape=(32, 32, 3), classes=10)
        >>> len(fuse(model).layers) < len(model.layers)
        True
    """
    if not is_graph(model):
        raise ValueError(
            f"{model.name!r} is subclassed, so that Keras does not know which layer "
            "follows which. Fuse the Functional or Sequential model in it."
        )
    found: list[str] = []
    fused = _fused(model, found)
    if not found:
        raise ValueError(
            f"{model.name!r} holds no branched convolution: no layer is called "
            "`*_branch1_conv` and followed by `*_branch1_bn`. It may be fused already."
        )
    return fused


def _fused(model: keras.Model, found: list[str]) -> keras.Model:
    """Copy a model with its weights and fused branches, whose names are noted."""
    by_name = {layer.name: layer for layer in model.layers}
    groups = _groups(by_name)
    found.extend(groups)
    pairs: list[Pair] = []
    sources: dict[str, keras.KerasTensor] = {}

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        if _group(layer) in groups:
            return layer
        if is_graph(layer):
            return _fused(layer, found)
        pairs.append((layer, layer.__class__.from_config(layer.get_config())))
        return pairs[-1][1]

    def called(layer: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        if (name := _group(layer)) not in groups:
            return call_with(layer, *args, **kwargs)
        # All branches see one tensor, which the first call comes with. What branches
        # give is not looked at, and so is no part of the copy.
        source = sources.setdefault(name, args[0])
        if layer.name != groups[name]:
            return source
        return _one(source, name, by_name[f"{name}_branch1_conv"])

    if isinstance(model, keras.Sequential):
        groups = {}
        fused = keras.models.clone_model(model, clone_function=copied)
    else:
        fused = keras.models.clone_model(
            model, clone_function=copied, call_function=called
        )
    for layer, twin in pairs:
        for one, other in twins(layer, twin):
            carry_over(one, other)
    for name in groups:
        convolution = fused.get_layer(f"{name}_fused")
        convolution.set_weights(sum_of_branches(by_name, convolution))
    return fused


def _group(layer: keras.Operation) -> str:
    """Return the name of the branched convolution that a layer would belong to."""
    match = _LAYER.fullmatch(layer.name)
    return match["name"] if match else ""


def _groups(by_name: Mapping[str, keras.layers.Layer]) -> dict[str, str]:
    """Return the last layer of each branched convolution, by the latter's name."""
    return {
        name: f"{name}_sum" if f"{name}_sum" in by_name else f"{name}_branch1_bn"
        for name in map(_group, by_name.values())
        if {f"{name}_branch1_conv", f"{name}_branch1_bn"} <= set(by_name)
    }


def _one(
    x: keras.KerasTensor, name: str, first: keras.layers.Layer
) -> keras.KerasTensor:
    """Convolve once instead, with the first branch's kernel size and stride."""
    depthwise = isinstance(first, keras.layers.DepthwiseConv2D)
    return branched_conv(
        x,
        None if depthwise else first.filters,
        first.kernel_size[0],
        stride=first.strides[0],
        fused=True,
        name=name,
    )
