"""MobileNet v4: inverted residuals with up to two optional depthwise convolutions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import batch_norm, conv_bn, depthwise_bn
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.blocks.inverted_residual import fused_inverted_residual
from keras_cnnzoo.cards import (
    IMAGENET,
    Family,
    Features,
    NameMap,
    Paper,
    Rename,
    Variant,
)
from keras_cnnzoo.models.mobilenet_v2 import timm_names

Block = tuple[int | str, int, int, int, int]

#: Tables of the paper's appendix, by stage and block. The first entry is the kernel
#: size of the depthwise convolution before the expansion, 0 for none, or "conv" or
#: "fused" for blocks of those kinds. Then follow the kernel size of the inner
#: convolution, 0 for none; expansion; channels; stride.
SMALL: tuple[tuple[Block, ...], ...] = (
    (("conv", 3, 1, 32, 2), ("conv", 1, 1, 32, 1)),
    (("conv", 3, 1, 96, 2), ("conv", 1, 1, 64, 1)),
    ((5, 5, 3, 96, 2), *(((0, 3, 2, 96, 1),) * 4), (3, 0, 4, 96, 1)),
    (
        (3, 3, 6, 128, 2),
        (5, 5, 4, 128, 1),
        (0, 5, 4, 128, 1),
        (0, 5, 3, 128, 1),
        (0, 3, 4, 128, 1),
        (0, 3, 4, 128, 1),
    ),
    (("conv", 1, 1, 960, 1),),
)
MEDIUM: tuple[tuple[Block, ...], ...] = (
    (("fused", 3, 4, 48, 2),),
    ((3, 5, 4, 80, 2), (3, 3, 2, 80, 1)),
    (
        (3, 5, 6, 160, 2),
        (3, 3, 4, 160, 1),
        (3, 3, 4, 160, 1),
        (3, 5, 4, 160, 1),
        (3, 3, 4, 160, 1),
        (3, 0, 4, 160, 1),
        (0, 0, 2, 160, 1),
        (3, 0, 4, 160, 1),
    ),
    (
        (5, 5, 6, 256, 2),
        (5, 5, 4, 256, 1),
        (3, 5, 4, 256, 1),
        (3, 5, 4, 256, 1),
        (0, 0, 4, 256, 1),
        (3, 0, 4, 256, 1),
        (3, 5, 2, 256, 1),
        (5, 5, 4, 256, 1),
        (0, 0, 4, 256, 1),
        (0, 0, 4, 256, 1),
        (5, 0, 2, 256, 1),
    ),
    (("conv", 1, 1, 960, 1),),
)


@dataclass(frozen=True)
class Config:
    """The blocks and the head.

    Attributes:
        stages: For each block: size of the depthwise kernel before the expansion (0 for
            none) or the kind of block, "conv" or "fused"; size of the inner kernel (0
            for none); expansion; channels; stride.
        hidden: Units of the head's hidden layer.
        dropout: Dropout rate after the hidden layer.
    """

    stages: tuple[tuple[Block, ...], ...]
    hidden: int = 1280
    dropout: float = 0.2


def body(x: KerasTensor, config: Config) -> Features:
    """Stem and stages, the last of which is a 1x1 convolution."""
    x = conv_bn(x, 32, 3, stride=2, name="stem")
    maps = {"stem": x}
    for s, blocks in enumerate(config.stages, start=1):
        for b, block in enumerate(blocks, start=1):
            x = _block(x, block, name=f"stage{s}_block{b}")
        maps[f"stage{s}"] = x
    return maps


def _block(x: KerasTensor, block: Block, *, name: str) -> KerasTensor:
    kind, kernel, expansion, filters, stride = block
    if kind == "conv":
        return conv_bn(x, filters, kernel, stride=stride, name=name)
    expanded = channels(x) * expansion
    if kind == "fused":
        return fused_inverted_residual(
            x, filters, expanded=expanded, kernel=kernel, stride=stride, name=name
        )
    y = x
    if isinstance(kind, int) and kind:
        early = 1 if kernel else stride
        y = depthwise_bn(y, kind, stride=early, activation=None, name=f"{name}_dw1")
    y = conv_bn(y, expanded, 1, name=f"{name}_pw1")
    if kernel:
        y = depthwise_bn(y, kernel, stride=stride, name=f"{name}_dw2")
    y = conv_bn(y, filters, 1, activation=None, name=f"{name}_pw2")
    if stride > 1 or channels(x) != filters:
        return y
    return layers.Add(name=name)([y, x])


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, a hidden layer with batch norm, dropout, classifier."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dense(config.hidden, use_bias=False, name="head_hidden")(x)
    x = batch_norm(x, name="head_bn")
    x = layers.ReLU(name="head_relu")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    return logits(x, classes, activation=activation)


_UNIVERSAL = re.compile(r"^stage(\d+)_block(\d+)_([dp]w\d)_")
_STEPS = {"dw1": "dw_start", "pw1": "pw_exp", "dw2": "dw_mid", "pw2": "pw_proj"}


def _universal(found: re.Match[str]) -> str:
    return f"blocks.{int(found[1]) - 1}.{int(found[2]) - 1}.{_STEPS[found[3]]}."


def _timm(names: Sequence[str]) -> list[Rename]:
    others = [name for name in names if not _UNIVERSAL.match(name)]
    return [
        Rename(_UNIVERSAL.pattern, _universal),
        Rename(r"^head_hidden", "conv_head", rank=4),
        Rename(r"^head_bn", "norm_head"),
        *timm_names(others),
    ]


#: size: stages, image size, crop, trainable parameters, multiply-accumulates.
_TABLE = {
    "small": (SMALL, 224, 0.875, 3_774_024, 186_005_568),
    "medium": (MEDIUM, 256, 0.95, 9_715_512, 1_080_244_224),
}


def _variant(size: str) -> Variant:
    stages, side, crop, params, macs = _TABLE[size]
    return Variant(
        config=Config(stages),
        reference=f"timm/mobilenetv4_conv_{size}",
        params=params,
        macs=macs,
        input_shape=(side, side, 3),
        preprocessing=replace(IMAGENET, interpolation="bicubic", crop=crop),
    )


FAMILY = Family(
    name="mobilenet_v4",
    body=body,
    head=head,
    paper=Paper(
        title="MobileNetV4: Universal Models for the Mobile Ecosystem",
        authors="Qin, Leichner, Delakis, Fornoni, Luo, Yang, Wang, Banbury, Ye, Akin, "
        "Aggarwal, Zhu, Moro, Howard",
        year=2024,
        url="https://arxiv.org/abs/2404.10518",
    ),
    input_shape=(224, 224, 3),
    variants={f"mobilenet_v4_conv_{size}": _variant(size) for size in _TABLE},
    name_maps={"timm": NameMap(_timm)},
    sketch={
        "stages": (SMALL[0], MEDIUM[0], ((5, 5, 3, 96, 2), (3, 0, 2, 96, 1))),
    },
)
