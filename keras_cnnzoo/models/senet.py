"""SENet-154: a ResNeXt with squeeze-and-excite, which won ImageNet's 2017 challenge."""

import re
from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import conv_bn
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.cards import Family, Features, NameMap, Paper, Rename, Variant
from keras_cnnzoo.layers import PaddedMaxPooling2D, SqueezeExcite


@dataclass(frozen=True)
class Config:
    """Depth, groups, squeeze-and-excite and dropout.

    Attributes:
        blocks: Blocks of each stage.
        groups: Groups of the 3x3 convolutions.
        ratio: Hidden units of squeeze-and-excite as a share of the channels.
        dropout: Dropout rate after the global average pooling.
    """

    blocks: tuple[int, ...] = (3, 8, 36, 3)
    groups: int = 64
    ratio: float = 1 / 16
    dropout: float = 0.2


def body(x: KerasTensor, config: Config) -> Features:
    """Stem of three 3x3, then stages that halve the resolution and double the width."""
    x = conv_bn(x, 64, 3, stride=2, name="stem1")
    x = conv_bn(x, 64, 3, name="stem2")
    x = conv_bn(x, 128, 3, name="stem")
    maps = {"stem": x}
    x = PaddedMaxPooling2D(3, 2, ceil_mode=True, name="stem_pool")(x)
    for s, blocks in enumerate(config.blocks, start=1):
        for b in range(1, blocks + 1):
            x = _block(
                x,
                128 * 2**s,
                config,
                stride=2 if s > 1 and b == 1 else 1,
                shortcut_kernel=1 if s == 1 else 3,
                name=f"stage{s}_block{b}",
            )
        maps[f"stage{s}"] = x
    return maps


def _block(
    x: KerasTensor,
    filters: int,
    config: Config,
    *,
    stride: int,
    shortcut_kernel: int,
    name: str,
) -> KerasTensor:
    """Make a bottleneck whose first 1x1 halves the width, with squeeze-and-excite."""
    y = conv_bn(x, filters // 2, 1, name=f"{name}_reduce")
    y = conv_bn(
        y, filters, 3, stride=stride, groups=config.groups, name=f"{name}_grouped"
    )
    y = conv_bn(y, filters, 1, activation=None, name=f"{name}_expand")
    y = SqueezeExcite(config.ratio, name=f"{name}_gate")(y)
    if stride > 1 or channels(x) != filters:
        x = conv_bn(
            x,
            filters,
            shortcut_kernel,
            stride=stride,
            activation=None,
            name=f"{name}_shortcut",
        )
    x = layers.Add(name=f"{name}_add")([y, x])
    return layers.ReLU(name=name)(x)


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, dropout and one linear layer."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    return logits(x, classes, activation=activation)


def _timm_block(found: re.Match[str]) -> str:
    return f"layer{found[1]}.{int(found[2]) - 1}."


_TIMM = NameMap(
    (
        Rename(r"^stem(\d)_(conv|bn)", r"layer0.\2\1"),
        Rename(r"^stem_(conv|bn)", r"layer0.\g<1>3"),
        Rename(r"^stage(\d+)_block(\d+)_", _timm_block),
        Rename(r"\breduce_(conv|bn)", r"\g<1>1"),
        Rename(r"\bgrouped_(conv|bn)", r"\g<1>2"),
        Rename(r"\bexpand_(conv|bn)", r"\g<1>3"),
        Rename(r"\bgate\.(fc\d)", r"se_module.\1", rank=4),
        Rename(r"\bshortcut_conv", "downsample.0"),
        Rename(r"\bshortcut_bn", "downsample.1"),
        Rename(r"^head", "last_linear"),
    )
)

FAMILY = Family(
    name="senet",
    body=body,
    head=head,
    paper=Paper(
        title="Squeeze-and-Excitation Networks",
        authors="Hu, Shen, Albanie, Sun, Wu",
        year=2017,
        url="https://arxiv.org/abs/1709.01507",
    ),
    input_shape=(224, 224, 3),
    variants={
        "senet154": Variant(
            config=Config(),
            reference="timm/legacy_senet154",
            params=115_088_984,
            macs=20_688_363_520,
        )
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (1, 2)},
)
