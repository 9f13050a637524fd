"""MixNet: depthwise convolutions with several kernel sizes, from 3x3 to 11x11.

Models without a prefix use the padding and the batch norm epsilon of PyTorch. Models
with the prefix `tf_` use TensorFlow's, with which the paper's weights were trained.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from keras import KerasTensor, layers, ops

from keras_cnnzoo.axes import channel_axis, channels
from keras_cnnzoo.blocks.conv import batch_norm, conv, conv_bn, depthwise
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.cards import (
    IMAGENET,
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Rename,
    Variant,
)
from keras_cnnzoo.layers import SqueezeExcite
from keras_cnnzoo.layers.attention import round_to
from keras_cnnzoo.models.mobilenet_v2 import timm_names

Block = tuple[tuple[int, ...], int, int, int, int, int, float]

#: MixNet-S in the authors' code, by stage and block: the depthwise kernel sizes, each
#: for an equal part of the channels; expansion; channels; stride; the numbers of parts
#: in which the first and the last 1x1 convolve the channels; and the hidden units of
#: squeeze-and-excite as a share of the block's input channels, 0 for none. Blocks with
#: squeeze-and-excite use SiLU, others ReLU.
SMALL: tuple[tuple[Block, ...], ...] = (
    (((3,), 1, 16, 1, 1, 1, 0),),
    (((3,), 6, 24, 2, 2, 2, 0), ((3,), 3, 24, 1, 2, 2, 0)),
    (
        ((3, 5, 7), 6, 40, 2, 1, 1, 0.5),
        *((((3, 5), 6, 40, 1, 2, 2, 0.5),) * 3),
    ),
    (
        ((3, 5, 7), 6, 80, 2, 1, 2, 0.25),
        *((((3, 5), 6, 80, 1, 1, 2, 0.25),) * 2),
    ),
    (
        ((3, 5, 7), 6, 120, 1, 2, 2, 0.5),
        *((((3, 5, 7, 9), 3, 120, 1, 2, 2, 0.5),) * 2),
    ),
    (
        ((3, 5, 7, 9, 11), 6, 200, 2, 1, 1, 0.5),
        *((((3, 5, 7, 9), 6, 200, 1, 1, 2, 0.5),) * 2),
    ),
)
#: MixNet-M.
MEDIUM: tuple[tuple[Block, ...], ...] = (
    (((3,), 1, 24, 1, 1, 1, 0),),
    (((3, 5, 7), 6, 32, 2, 2, 2, 0), ((3,), 3, 32, 1, 2, 2, 0)),
    (
        ((3, 5, 7, 9), 6, 40, 2, 1, 1, 0.5),
        *((((3, 5), 6, 40, 1, 2, 2, 0.5),) * 3),
    ),
    (
        ((3, 5, 7), 6, 80, 2, 1, 1, 0.25),
        *((((3, 5, 7, 9), 6, 80, 1, 2, 2, 0.25),) * 3),
    ),
    (
        ((3,), 6, 120, 1, 1, 1, 0.5),
        *((((3, 5, 7, 9), 3, 120, 1, 2, 2, 0.5),) * 3),
    ),
    (
        ((3, 5, 7, 9), 6, 200, 2, 1, 1, 0.5),
        *((((3, 5, 7, 9), 6, 200, 1, 1, 2, 0.5),) * 3),
    ),
)


@dataclass(frozen=True)
class Config:
    """Blocks, width, and the constants of PyTorch or TensorFlow.

    Attributes:
        stages: For each block: depthwise kernel sizes, expansion, channels, stride,
            number of parts in the first and in the last 1x1, and the ratio of
            squeeze-and-excite.
        stem: Channels of the first convolution.
        width: Multiplier of all channel counts except that of `top`; they are rounded
            to multiples of 8.
        dropout: Dropout rate after the global average pooling.
        top: Channels of the 1x1 convolution after the stages.
        padding: Padding of strided convolutions: "symmetric" as in PyTorch, or "same"
            as in TensorFlow.
        bn_momentum: Momentum of every batch norm.
        bn_epsilon: Epsilon of every batch norm.
    """

    stages: tuple[tuple[Block, ...], ...]
    stem: int
    width: float = 1.0
    dropout: float = 0.25
    top: int = 1536
    padding: str = "symmetric"
    bn_momentum: float = 0.9
    bn_epsilon: float = 1e-5


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, stages of inverted residuals with mixed kernels, and a 1x1 convolution."""
    same: dict[str, Any] = {
        "padding": config.padding,
        "bn": {"momentum": config.bn_momentum, "epsilon": config.bn_epsilon},
    }
    x = conv_bn(x, _maps(config.stem, config), 3, stride=2, name="stem", **same)
    maps = {"stem": x}
    for s, blocks in enumerate(config.stages, start=1):
        for b, (kernels, expansion, filters, *rest) in enumerate(blocks, start=1):
            block = (kernels, expansion, _maps(filters, config), *rest)
            x = _block(x, block, name=f"stage{s}_block{b}", **same)
        maps[f"stage{s}"] = x
    maps["top"] = conv_bn(x, config.top, 1, name="top", **same)
    return maps


def _maps(filters: int, config: Config) -> int:
    return round_to(filters * config.width, 8)


def _block(x: KerasTensor, block: Any, *, name: str, **same: Any) -> KerasTensor:
    """Make an inverted residual whose convolutions work on parts of the channels."""
    kernels, expansion, filters, stride, before, behind, gate = block
    active = same | {"activation": "silu" if gate else "relu"}
    y = x
    if expansion > 1:
        wide = channels(x) * expansion
        y = _mixed_bn(y, wide, (1,) * before, name=f"{name}_expand", **active)
    y = _mixed_bn(y, None, kernels, stride=stride, name=f"{name}_dw", **active)
    if gate:
        hidden = int(channels(x) * gate)
        y = SqueezeExcite(hidden=hidden, activation="silu", name=f"{name}_gate")(y)
    linear = same | {"activation": None}
    y = _mixed_bn(y, filters, (1,) * behind, name=f"{name}_project", **linear)
    if stride > 1 or channels(x) != filters:
        return y
    return layers.Add(name=name)([y, x])


def _mixed_bn(
    x: KerasTensor,
    filters: int | None,
    kernels: Sequence[int],
    *,
    activation: Any,
    bn: Mapping[str, float],
    name: str,
    **kwargs: Any,
) -> KerasTensor:
    """Convolve each part of the channels with its kernel, join, normalise, activate.

    The layers are named as by `conv_bn`; the convolutions of several parts are
    `_conv1`, `_conv2` ... Without `filters` the convolutions are depthwise.
    """
    if len(kernels) == 1:
        x = _convolve(x, filters, kernels[0], name=f"{name}_conv", **kwargs)
    else:
        given = _shares(channels(x), len(kernels))
        shares = ops.split(x, list(accumulate(given))[:-1], channel_axis())
        made = given if filters is None else _shares(filters, len(kernels))
        found = [
            _convolve(
                share, filters and number, kernel, name=f"{name}_conv{i}", **kwargs
            )
            for i, (share, number, kernel) in enumerate(
                zip(shares, made, kernels, strict=True), start=1
            )
        ]
        x = layers.Concatenate(channel_axis(), name=f"{name}_join")(found)
    x = batch_norm(x, name=f"{name}_bn", **bn)
    if activation:
        x = layers.Activation(activation, name=f"{name}_{activation}")(x)
    return x


def _shares(maps: int, number: int) -> list[int]:
    """Divide channels evenly into parts; the first part gets the remainder."""
    each = maps // number
    return [maps - each * (number - 1), *[each] * (number - 1)]


def _convolve(
    x: KerasTensor, filters: int | None, kernel: int, **kwargs: Any
) -> KerasTensor:
    if filters is None:
        return depthwise(x, kernel, **kwargs)
    return conv(x, filters, kernel, use_bias=False, **kwargs)


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, dropout and one linear layer."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    return logits(x, classes, activation=activation)


def _timm(names: Sequence[str]) -> list[Rename]:
    """Name the blocks as in timm, and count the parts of a convolution from 0."""
    # `timm_names` looks for `_conv`, so the first part stands for the convolution.
    whole = [re.sub(r"_conv1\.weight$", "_conv.weight", name) for name in names]
    return [*timm_names(whole), Rename(r"(\.conv_[a-z]+)(\d+)\b", _share)]


def _share(found: re.Match[str]) -> str:
    return f"{found[1]}.{int(found[2]) - 1}"


_PAPER_PAGE = "https://arxiv.org/abs/1907.09595"

#: size: configuration, trainable parameters, multiply-accumulates, the paper's top-1.
_TABLE = {
    "s": (Config(SMALL, 16, dropout=0.2), 4_134_606, 239_173_360, 75.8),
    "m": (Config(MEDIUM, 24), 5_014_382, 339_172_672, 77.0),
    "l": (Config(MEDIUM, 24, width=1.3), 7_329_252, 555_251_792, 78.9),
}


def _variant(prefix: str, size: str) -> Variant:
    config, params, macs, top1 = _TABLE[size]
    claims: tuple[Claim, ...] = ()
    if prefix:
        config = replace(config, padding="same", bn_epsilon=1e-3)
        claims = (
            Claim(
                metric="ImageNet val top-1 accuracy %, 1 crop",
                value=top1,
                source=_PAPER_PAGE,
            ),
        )
    return Variant(
        config=config,
        reference=f"timm/{prefix}mixnet_{size}",
        params=params,
        macs=macs,
        claims=claims,
    )


FAMILY = Family(
    name="mixnet",
    body=body,
    head=head,
    paper=Paper(
        title="MixConv: Mixed Depthwise Convolutional Kernels",
        authors="Tan, Le",
        year=2019,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    preprocessing=replace(IMAGENET, interpolation="bicubic"),
    variants={
        f"{prefix}mixnet_{size}": _variant(prefix, size)
        for prefix in ("", "tf_")
        for size in _TABLE
    },
    name_maps={"timm": NameMap(_timm)},
    sketch={"stages": (SMALL[0], SMALL[1], SMALL[5][:2])},
    deviations=(
        "The momentum of batch norm is 0.9, as in timm; in the authors' code it is "
        "0.99.",
    ),
)
