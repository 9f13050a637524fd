"""ResNeSt: split attention, in which each channel weighs alternative feature maps.

The suffixes `d` and `e` stand for stems of three 3x3 convolutions that begin with 32
and with 64 channels.
"""

import re
from dataclasses import dataclass

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import conv_bn
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.blocks.shortcut import add_shortcut
from keras_cnnzoo.cards import Family, Features, NameMap, Paper, Rename, Variant
from keras_cnnzoo.layers import PaddedMaxPooling2D, SplitAttention
from keras_cnnzoo.layers.attention import round_to


@dataclass(frozen=True)
class Config:
    """Depth, the stem, and split attention.

    Attributes:
        blocks: Blocks of each stage.
        stem_width: Channels of the stem's first two convolutions. Its third has twice
            as many.
        radix: Number of alternative feature maps that a block's 3x3 computes.
    """

    blocks: tuple[int, ...]
    stem_width: int = 32
    radix: int = 2


def body(x: KerasTensor, config: Config) -> Features:
    """Stem of three 3x3, then stages that halve the resolution and double the width."""
    x = conv_bn(x, config.stem_width, 3, stride=2, name="stem1")
    x = conv_bn(x, config.stem_width, 3, name="stem2")
    x = conv_bn(x, config.stem_width * 2, 3, name="stem")
    maps = {"stem": x}
    x = PaddedMaxPooling2D(3, 2, padding=1, name="stem_pool")(x)
    for s, blocks in enumerate(config.blocks, start=1):
        for b in range(1, blocks + 1):
            x = _block(
                x,
                32 * 2**s,
                config.radix,
                stride=2 if s > 1 and b == 1 else 1,
                name=f"stage{s}_block{b}",
            )
        maps[f"stage{s}"] = x
    return maps


def _block(
    x: KerasTensor, width: int, radix: int, *, stride: int, name: str
) -> KerasTensor:
    """Make a bottleneck with split attention; average pooling halves the resolution."""
    y = conv_bn(x, width, 1, name=f"{name}_reduce")
    y = conv_bn(y, width * radix, 3, groups=radix, name=f"{name}_split")
    hidden = max(32, round_to(width * radix / 4, 8))
    y = SplitAttention(radix, hidden, name=f"{name}_attention")(y)
    if stride > 1:
        y = layers.ZeroPadding2D(1, name=f"{name}_pad")(y)
        y = layers.AveragePooling2D(3, stride, name=f"{name}_pool")(y)
    y = conv_bn(y, 4 * width, 1, activation=None, name=f"{name}_expand")
    return add_shortcut(y, x, stride=stride, average=True, name=name)


def _timm_block(found: re.Match[str]) -> str:
    return f"layer{found[1]}.{int(found[2]) - 1}."


_TIMM = NameMap(
    (
        # timm also numbers the stem's ReLUs, and the pooling before a shortcut.
        *(Rename(rf"^stem{i}_conv", f"conv1.{3 * i - 3}") for i in (1, 2)),
        *(Rename(rf"^stem{i}_bn", f"conv1.{3 * i - 2}") for i in (1, 2)),
        Rename(r"^stem_conv", "conv1.6"),
        Rename(r"^stem_bn", "bn1"),
        Rename(r"^stage(\d+)_block(\d+)_", _timm_block),
        Rename(r"\breduce_(conv|bn)", r"\g<1>1"),
        Rename(r"\bsplit_conv", "conv2.conv"),
        Rename(r"\bsplit_bn", "conv2.bn0"),
        Rename(r"\battention\.bn", "conv2.bn1"),
        Rename(r"\battention\.(fc\d)", r"conv2.\1", rank=4),
        Rename(r"\bexpand_(conv|bn)", r"\g<1>3"),
        Rename(r"\bshortcut_conv", "downsample.1"),
        Rename(r"\bshortcut_bn", "downsample.2"),
        Rename(r"^head", "fc"),
    )
)

#: name: blocks, channels of the stem, image size, trainable parameters,
#: multiply-accumulates.
_TABLE = {
    "resnest26d": ((2, 2, 2, 2), 32, 224, 17_069_448, 3_623_391_232),
    "resnest50d": ((3, 4, 6, 3), 32, 224, 27_483_240, 5_371_160_576),
    "resnest101e": ((3, 4, 23, 3), 64, 256, 48_275_016, 13_321_472_000),
}

FAMILY = Family(
    name="resnest",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="ResNeSt: Split-Attention Networks",
        authors="Zhang, Wu, Zhang, Zhu, Lin, Zhang, Sun, He, Mueller, Manmatha, Li, "
        "Smola",
        year=2020,
        url="https://arxiv.org/abs/2004.08955",
    ),
    input_shape=(224, 224, 3),
    variants={
        name: Variant(
            config=Config(blocks, stem_width),
            reference=f"timm/{name}",
            params=params,
            macs=macs,
            input_shape=(side, side, 3),
        )
        for name, (blocks, stem_width, side, params, macs) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (1, 2)},
)
