"""Res2Net: in a block, each group of channels also receives the previous one's output.

A block therefore combines receptive fields of several sizes. `26w_4s` means 4 groups of
26 channels each in the first stage.
"""

import re
from dataclasses import dataclass

from keras import KerasTensor, layers, ops

from keras_cnnzoo.axes import channel_axis
from keras_cnnzoo.blocks.conv import conv_bn
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.blocks.shortcut import add_shortcut
from keras_cnnzoo.cards import Family, Features, NameMap, Paper, Rename, Variant
from keras_cnnzoo.layers import PaddedMaxPooling2D


@dataclass(frozen=True)
class Config:
    """Depth, and the groups of a block.

    Attributes:
        blocks: Blocks of each stage.
        width: Channels of a group in the first stage; each further stage doubles them.
        scale: Number of groups; the last has no convolution.
    """

    blocks: tuple[int, ...]
    width: int = 26
    scale: int = 4


def body(x: KerasTensor, config: Config) -> Features:
    """ResNet's stem, then stages that halve the resolution and double the width."""
    x = conv_bn(x, 64, 7, stride=2, name="stem")
    maps = {"stem": x}
    x = PaddedMaxPooling2D(3, 2, padding=1, name="stem_pool")(x)
    for s, blocks in enumerate(config.blocks, start=1):
        for b in range(1, blocks + 1):
            x = _block(
                x,
                config.width * 2 ** (s - 1),
                config.scale,
                128 * 2**s,
                stride=2 if s > 1 and b == 1 else 1,
                first=b == 1,
                name=f"stage{s}_block{b}",
            )
        maps[f"stage{s}"] = x
    return maps


def _block(
    x: KerasTensor,
    width: int,
    scale: int,
    filters: int,
    *,
    stride: int,
    first: bool,
    name: str,
) -> KerasTensor:
    """Figure 2: a bottleneck whose 3x3 is split into groups, one after the other.

    In the first block of a stage, input and output differ in shape. There the groups do
    not pass their outputs on, and the last group is average pooled.
    """
    y = conv_bn(x, width * scale, 1, name=f"{name}_reduce")
    *groups, kept = ops.split(y, scale, axis=channel_axis())
    seen: list[KerasTensor] = []
    for number, group in enumerate(groups, start=1):
        if seen and not first:
            group = layers.Add(name=f"{name}_scale{number}_add")([seen[-1], group])
        seen.append(
            conv_bn(group, width, 3, stride=stride, name=f"{name}_scale{number}")
        )
    if first:
        kept = layers.ZeroPadding2D(1, name=f"{name}_pad")(kept)
        kept = layers.AveragePooling2D(3, stride, name=f"{name}_pool")(kept)
    y = layers.Concatenate(channel_axis(), name=f"{name}_join")([*seen, kept])
    y = conv_bn(y, filters, 1, activation=None, name=f"{name}_expand")
    return add_shortcut(y, x, stride=stride, name=name)


def _timm_block(found: re.Match[str]) -> str:
    return f"layer{found[1]}.{int(found[2]) - 1}."


def _timm_group(found: re.Match[str]) -> str:
    return f"{found[2]}s.{int(found[1]) - 1}."


_TIMM = NameMap(
    (
        Rename(r"^stem_(conv|bn)", r"\g<1>1"),
        Rename(r"^stage(\d+)_block(\d+)_", _timm_block),
        Rename(r"\breduce_(conv|bn)", r"\g<1>1"),
        Rename(r"\bscale(\d+)_(conv|bn)\.", _timm_group),
        Rename(r"\bexpand_(conv|bn)", r"\g<1>3"),
        Rename(r"\bshortcut_conv", "downsample.0"),
        Rename(r"\bshortcut_bn", "downsample.1"),
        Rename(r"^head", "fc"),
    )
)

_50, _101 = (3, 4, 6, 3), (3, 4, 23, 3)
#: name: blocks, channels of a group, groups, timm's name, trainable parameters,
#: multiply-accumulates at 224x224.
_TABLE = {
    "res2net50": (_50, 26, 4, "res2net50_26w_4s", 25_699_120, 4_255_166_464),
    "res2net50_26w_8s": (_50, 26, 8, "res2net50_26w_8s", 48_403_776, 8_335_880_192),
    "res2net101": (_101, 26, 4, "res2net101_26w_4s", 45_206_688, 8_066_974_464),
}

FAMILY = Family(
    name="res2net",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Res2Net: A New Multi-scale Backbone Architecture",
        authors="Gao, Cheng, Zhao, Zhang, Yang, Torr",
        year=2019,
        url="https://arxiv.org/abs/1904.01169",
    ),
    input_shape=(224, 224, 3),
    variants={
        name: Variant(
            config=Config(blocks, width, scale),
            reference=f"timm/{timm}",
            params=params,
            macs=macs,
        )
        for name, (blocks, width, scale, timm, params, macs) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (1, 2)},
)
