"""Dual path networks: part of each block's output is added, part is concatenated.

The added part is a residual path, as in ResNet, which reuses features. The concatenated
part is a dense path, as in DenseNet, which adds new features.
"""

import re
from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers, ops

from keras_cnnzoo.axes import channel_axis
from keras_cnnzoo.blocks.conv import batch_norm, conv, conv_bn
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import (
    Family,
    Features,
    NameMap,
    Paper,
    Preprocessing,
    Rename,
    Variant,
)
from keras_cnnzoo.layers import PaddedMaxPooling2D


@dataclass(frozen=True)
class Config:
    """Depth, and the widths of both paths.

    Attributes:
        blocks: Blocks of each stage.
        growth: Channels that each block of a stage concatenates, by stage.
        stem: Channels and kernel size of the first convolution.
        width: Channels of the residual path in the first stage; each further stage
            doubles them.
        inner: Channels of the grouped 3x3 in the first stage, doubled likewise.
        groups: Groups of the 3x3 convolutions.
        bn_epsilon: Epsilon of every batch norm.
    """

    blocks: tuple[int, ...]
    growth: tuple[int, ...]
    stem: tuple[int, int] = (64, 7)
    width: int = 256
    inner: int = 96
    groups: int = 32
    bn_epsilon: float = 1e-3


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, then stages of blocks that normalise before each convolution."""
    filters, kernel = config.stem
    bn = {"epsilon": config.bn_epsilon}
    x = conv_bn(x, filters, kernel, stride=2, bn=bn, name="stem")
    maps = {"stem": x}
    x = PaddedMaxPooling2D(3, 2, padding=1, name="stem_pool")(x)
    added = beside = None
    for s, blocks in enumerate(config.blocks, start=1):
        width, growth = config.width * 2 ** (s - 1), config.growth[s - 1]
        for b in range(1, blocks + 1):
            name, stride = f"stage{s}_block{b}", 2 if s > 1 and b == 1 else 1
            if b == 1:
                # Each stage starts both paths from a projection of all channels.
                shortcut = _conv(
                    x,
                    width + 2 * growth,
                    1,
                    config,
                    stride=stride,
                    name=f"{name}_shortcut",
                )
                added, beside = ops.split(shortcut, [width], axis=channel_axis())
            inner = config.inner * 2 ** (s - 1)
            y = _conv(x, inner, 1, config, name=f"{name}_reduce")
            y = _conv(
                y,
                inner,
                3,
                config,
                stride=stride,
                groups=config.groups,
                name=f"{name}_grouped",
            )
            y = _conv(y, width + growth, 1, config, name=f"{name}_expand")
            y, new = ops.split(y, [width], axis=channel_axis())
            added = layers.Add(name=f"{name}_add")([added, y])
            beside = _join([beside, new], name=f"{name}_beside")
            x = _join([added, beside], name=name)
        maps[f"stage{s}"] = x
    x = batch_norm(x, name="top_bn", **bn)
    maps[f"stage{len(config.blocks)}"] = layers.ReLU(name="top_relu")(x)
    return maps


def _conv(
    x: KerasTensor,
    filters: int,
    kernel: int,
    config: Config,
    *,
    name: str,
    **kwargs: Any,
) -> KerasTensor:
    """Normalise and activate, then convolve."""
    x = batch_norm(x, epsilon=config.bn_epsilon, name=f"{name}_bn")
    x = layers.ReLU(name=f"{name}_relu")(x)
    return conv(x, filters, kernel, use_bias=False, name=f"{name}_conv", **kwargs)


def _join(maps: list[KerasTensor], *, name: str) -> KerasTensor:
    return layers.Concatenate(channel_axis(), name=name)(maps)


def _timm_block(found: re.Match[str]) -> str:
    return f"features.conv{int(found[1]) + 1}_{found[2]}."


_TIMM = NameMap(
    (
        Rename(r"^stem_(conv|bn)", r"features.conv1_1.\1"),
        Rename(r"^stage1_block1_shortcut_(conv|bn)", r"features.conv2_1.c1x1_w_s1.\1"),
        Rename(r"^stage(\d+)_block(\d+)_", _timm_block),
        Rename(r"\bshortcut_(conv|bn)", r"c1x1_w_s2.\1"),
        Rename(r"\breduce_(conv|bn)", r"c1x1_a.\1"),
        Rename(r"\bgrouped_(conv|bn)", r"c3x3_b.\1"),
        Rename(r"\bexpand_(conv|bn)", r"c1x1_c.\1"),
        Rename(r"^top_bn", "features.conv5_bn_ac.bn"),
        Rename(r"^head", "classifier", rank=4),
    )
)

#: name: configuration, trainable parameters, multiply-accumulates at 224x224.
_TABLE = {
    "dpn68": (
        Config((3, 4, 12, 3), (16, 32, 32, 64), (10, 3), width=64, inner=128),
        12_611_602,
        2_326_163_456,
    ),
    "dpn92": (Config((3, 4, 20, 3), (16, 32, 24, 128)), 37_668_392, 6_501_684_224),
    "dpn98": (
        Config((3, 6, 20, 3), (16, 32, 32, 128), (96, 7), inner=160, groups=40),
        61_570_728,
        11_671_217_152,
    ),
}

FAMILY = Family(
    name="dpn",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Dual Path Networks",
        authors="Chen, Li, Xiao, Jin, Yan, Feng",
        year=2017,
        url="https://arxiv.org/abs/1707.01629",
    ),
    input_shape=(224, 224, 3),
    preprocessing=Preprocessing(
        mean=(124.0, 117.0, 104.0),
        std=(1 / 0.0167,) * 3,
        crop=0.875,
        interpolation="bicubic",
    ),
    variants={
        name: Variant(config=config, reference=f"timm/{name}", params=params, macs=macs)
        for name, (config, params, macs) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (1, 2), "growth": (16, 32)},
)
