"""RegNet: the depths and widths of all stages follow from a linear rule."""

import math
import re
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import conv_bn
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import Claim, Family, Features, NameMap, Paper, Rename, Variant
from keras_cnnzoo.layers import SqueezeExcite
from keras_cnnzoo.layers.attention import round_to


@dataclass(frozen=True)
class Config:
    """The linear rule of the widths, and the parts of a block.

    Attributes:
        depth: Total number of blocks.
        start: Width of the first block.
        slope: Increase in width from block to block, before rounding.
        step: Widths are rounded to `start` times a power of this factor.
        group: Channels per group of the 3x3 convolutions.
        gate: Hidden units of squeeze-and-excite, as a share of the block's input
            channels; 0 for none.
    """

    depth: int
    start: int
    slope: float
    step: float
    group: int
    gate: float = 0.0


class Stage(NamedTuple):
    """Number and width of the blocks of a stage."""

    blocks: int
    width: int
    group: int


def stages(config: Config) -> list[Stage]:
    """Compute the stages: equations 2 to 4 of the paper.

    The linear rule gives every block a width, which is rounded to `start` times a power
    of `step`, then to a multiple of 8. Consecutive blocks of equal width form a stage.
    Finally the width is rounded to a multiple of the group width.
    """
    widths = []
    for block in range(config.depth):
        ratio = (config.start + config.slope * block) / config.start
        power = round(math.log(ratio) / math.log(config.step))
        widths.append(round(config.start * config.step**power / 8) * 8)
    found = []
    for width, same in groupby(widths):
        group = min(config.group, width)
        found.append(Stage(len(list(same)), round_to(width, group), group))
    return found


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, then stages that each halve the resolution."""
    x = conv_bn(x, 32, 3, stride=2, name="stem")
    maps = {"stem": x}
    for s, stage in enumerate(stages(config), start=1):
        for b in range(1, stage.blocks + 1):
            stride = 2 if b == 1 else 1
            x = _block(x, stage, stride, config, name=f"stage{s}_block{b}")
        maps[f"stage{s}"] = x
    return maps


def _block(
    x: KerasTensor, stage: Stage, stride: int, config: Config, *, name: str
) -> KerasTensor:
    """Make a residual block whose layers all have the same width: figure 4."""
    width = stage.width
    y = conv_bn(x, width, 1, name=f"{name}_pw1")
    y = conv_bn(
        y, width, 3, stride=stride, groups=width // stage.group, name=f"{name}_group"
    )
    if config.gate:
        hidden = round(config.gate * channels(x))
        y = SqueezeExcite(hidden=hidden, name=f"{name}_gate")(y)
    y = conv_bn(y, width, 1, activation=None, name=f"{name}_pw2")
    if stride > 1 or channels(x) != width:
        x = conv_bn(
            x, width, 1, stride=stride, activation=None, name=f"{name}_shortcut"
        )
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=name)(x)


def _block_name(found: re.Match[str]) -> str:
    return f"trunk_output.block{found[1]}.block{found[1]}-{int(found[2]) - 1}."


_TORCHVISION = NameMap(
    (
        Rename(r"^stem_conv", "stem.0"),
        Rename(r"^stem_bn", "stem.1"),
        Rename(r"^stage(\d)_block(\d+)_", _block_name),
        Rename(r"\.shortcut_", ".proj_"),
        Rename(r"\.pw1_", ".f.a_"),
        Rename(r"\.group_", ".f.b_"),
        Rename(r"\.pw2_", ".f.c_"),
        Rename(r"_conv\b", ".0"),
        Rename(r"_bn\b", ".1"),
        Rename(r"\.gate\.", ".f.se.", rank=4),
        Rename(r"^head", "fc"),
    )
)

_PAGE = "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models."

#: name: depth, start, slope, step, group, trainable parameters, multiply-accumulates,
#: top-1 of torchvision's first weights. The "y" models have squeeze-and-excite.
_TABLE = {
    "x_400mf": (22, 24, 24.48, 2.54, 16, 5_495_976, 413_812_608, 72.834),
    "x_800mf": (16, 56, 35.73, 2.28, 16, 7_259_656, 799_699_712, 75.212),
    "x_1_6gf": (18, 80, 34.01, 2.25, 24, 9_190_136, 1_602_849_792, 77.04),
    "x_3_2gf": (25, 88, 26.31, 2.25, 48, 15_296_552, 3_176_621_952, 78.364),
    "x_8gf": (23, 80, 49.56, 2.88, 120, 39_572_648, 7_995_132_416, 79.344),
    "x_16gf": (22, 216, 55.59, 2.1, 128, 54_278_536, 15_940_755_456, 80.058),
    "x_32gf": (23, 320, 69.86, 2.0, 168, 107_811_560, 31_735_929_792, 80.622),
    "y_400mf": (16, 48, 27.89, 2.09, 8, 4_344_144, 401_842_848, 74.046),
    "y_800mf": (14, 56, 38.84, 2.4, 16, 6_432_512, 833_856_256, 76.42),
    "y_1_6gf": (27, 48, 20.71, 2.65, 24, 11_202_430, 1_612_076_160, 77.95),
    "y_3_2gf": (21, 80, 42.63, 2.66, 24, 19_436_338, 3_176_482_752, 78.948),
    "y_8gf": (17, 192, 76.82, 2.19, 56, 39_381_472, 8_473_070_592, 80.032),
    "y_16gf": (18, 200, 106.23, 2.48, 112, 83_590_140, 15_911_510_272, 80.424),
    "y_32gf": (20, 232, 115.89, 2.53, 232, 145_046_770, 32_279_552_832, 80.878),
}


def _variant(size: str) -> Variant:
    depth, start, slope, step, group, params, macs, top1 = _TABLE[size]
    gate = 0.25 if size.startswith("y") else 0.0
    name = f"regnet_{size}"
    return Variant(
        config=Config(depth, start, slope, step, group, gate),
        reference=f"torchvision/{name}",
        params=params,
        macs=macs,
        claims=(
            Claim(
                metric="ImageNet val top-1 accuracy %, 1 crop",
                value=top1,
                source=f"{_PAGE}{name}.html",
            ),
        ),
    )


FAMILY = Family(
    name="regnet",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Designing Network Design Spaces",
        authors="Radosavovic, Kosaraju, Girshick, He, Dollár",
        year=2020,
        url="https://arxiv.org/abs/2003.13678",
    ),
    input_shape=(224, 224, 3),
    variants={f"regnet_{size}": _variant(size) for size in _TABLE},
    name_maps={"torchvision": _TORCHVISION},
    sketch={"depth": 3},
)
