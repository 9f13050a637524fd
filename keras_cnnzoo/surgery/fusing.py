"""Fuse convolutions with parallel training branches into single convolutions."""

import re
from collections.abc import Mapping
from typing import Any

import keras

from keras_cnnzoo.blocks.reparametrized import branched_conv, sum_of_branches
from keras_cnnzoo.surgery.copying import Pair, call_with, carry_over, is_graph, twins

#: Names of the layers of `branched_conv`, which begin with the convolution's name.
_LAYER = re.compile(
    r"(?P<name>.+)_(?:(?:branch\d+|point|identity)_(?:conv|conv_pad|bn|pixels)|sum)"
)


def fuse(model: keras.Model) -> keras.Model:
    """Return a copy in which each branched convolution is a single convolution.

    RepVGG and MobileOne train with parallel convolutions and batch norms. After
    training, each sum of branches is equivalent to one convolution with a bias, which
    takes less time and memory. The copy has the same weight names and shapes as a
    network built with `fused=True`. It is for inference only, since its batch norms are
    folded into the convolutions.

    Args:
        model: A Functional or Sequential model with such blocks, also in nested models.
            It is not changed.

    Returns:
        The copy, which is not compiled. Its outputs agree with the model's to about
        1e-5.

    Raises:
        ValueError: The model has no branched convolution, or is subclassed.

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
    """Copy a model with weights and fused branches; add their names to `found`."""
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
        # All branches have the same input, that of the first call. The outputs of the
        # branches are not used, and so are not part of the copy.
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
    """Return the name of the branched convolution of a layer, "" if it has none."""
    match = _LAYER.fullmatch(layer.name)
    return match["name"] if match else ""


def _groups(by_name: Mapping[str, keras.layers.Layer]) -> dict[str, str]:
    """Return the name of the last layer of each branched convolution by its name."""
    return {
        name: f"{name}_sum" if f"{name}_sum" in by_name else f"{name}_branch1_bn"
        for name in map(_group, by_name.values())
        if {f"{name}_branch1_conv", f"{name}_branch1_bn"} <= set(by_name)
    }


def _one(
    x: keras.KerasTensor, name: str, first: keras.layers.Layer
) -> keras.KerasTensor:
    """Apply the fused convolution, with the first branch's kernel size and stride."""
    depthwise = isinstance(first, keras.layers.DepthwiseConv2D)
    return branched_conv(
        x,
        None if depthwise else first.filters,
        first.kernel_size[0],
        stride=first.strides[0],
        fused=True,
        name=name,
    )
