"""CSPNet: half of a stage's channels bypass its blocks and are concatenated after them.

The blocks are therefore half as wide, and gradients are not computed twice.
"""

import re
from dataclasses import dataclass, replace

from keras import KerasTensor, layers, ops

from keras_cnnzoo.axes import channel_axis, channels
from keras_cnnzoo.blocks.conv import conv_bn
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import (
    IMAGENET,
    Family,
    Features,
    NameMap,
    Paper,
    Rename,
    Variant,
)
from keras_cnnzoo.layers import PaddedMaxPooling2D
from keras_cnnzoo.models.darknet53 import conv_leaky


@dataclass(frozen=True)
class Config:
    """Kind and number of blocks, and the activation.

    Attributes:
        blocks: Blocks of each stage.
        form: Kind of block: "dark" as in Darknet-53, or "bottleneck" as in ResNet-50.
        slope: Slope of the leaky ReLU below 0.
    """

    blocks: tuple[int, ...]
    form: str
    slope: float = 0.01


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, then stages that each begin by halving the resolution."""
    dark = config.form == "dark"
    stem, kernel, stride = (32, 3, 1) if dark else (64, 7, 2)
    x = conv_leaky(x, stem, kernel, stride=stride, slope=config.slope, name="stem")
    maps = {"stem": x}
    if not dark:
        x = PaddedMaxPooling2D(3, 2, padding=1, name="stem_pool")(x)
    for s, blocks in enumerate(config.blocks, start=1):
        width = (32 if dark else 64) * 2**s
        x = _stage(x, width, blocks, config, first=s == 1, name=f"stage{s}")
        maps[f"stage{s}"] = x
    return maps


def _stage(
    x: KerasTensor, width: int, blocks: int, config: Config, *, first: bool, name: str
) -> KerasTensor:
    """Widen, send half of the channels through the blocks, join: figure 2 (b)."""
    dark, slope = config.form == "dark", config.slope
    axis = channel_axis()
    if dark:
        x = conv_leaky(x, width, 3, stride=2, slope=slope, name=f"{name}_down")
        # The first stage has too few channels to halve them.
        x = conv_leaky(x, 128 if first else width, 1, slope=slope, name=f"{name}_wide")
    else:
        if not first:
            given = channels(x)
            x = conv_leaky(x, given, 3, stride=2, slope=slope, name=f"{name}_down")
        x = conv_bn(x, 2 * width, 1, activation=None, name=f"{name}_wide")
    block = _dark if dark else _bottleneck
    past, y = ops.split(x, 2, axis)
    for b in range(1, blocks + 1):
        # A dark block narrows inside in the first stage only, a bottleneck in all.
        inner = channels(y) // 2 if first or not dark else channels(y)
        y = block(y, inner, slope, name=f"{name}_block{b}")
    y = conv_leaky(y, channels(y), 1, slope=slope, name=f"{name}_after")
    x = layers.Concatenate(axis, name=f"{name}_concat")([past, y])
    return conv_leaky(x, width, 1, slope=slope, name=f"{name}_join")


def _dark(x: KerasTensor, inner: int, slope: float, *, name: str) -> KerasTensor:
    y = conv_leaky(x, inner, 1, slope=slope, name=f"{name}_1")
    y = conv_leaky(y, channels(x), 3, slope=slope, name=f"{name}_2")
    return layers.Add(name=name)([x, y])


def _bottleneck(x: KerasTensor, inner: int, slope: float, *, name: str) -> KerasTensor:
    y = conv_leaky(x, inner, 1, slope=slope, name=f"{name}_1")
    y = conv_leaky(y, inner, 3, slope=slope, name=f"{name}_2")
    y = conv_bn(y, channels(x), 1, activation=None, name=f"{name}_3")
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.LeakyReLU(slope, name=name)(x)


def _timm_stage(found: re.Match[str]) -> str:
    return f"stages.{int(found[1]) - 1}."


def _timm_block(found: re.Match[str]) -> str:
    return f".blocks.{int(found[1]) - 1}.conv{found[2]}."


_TIMM = NameMap(
    (
        Rename(r"^stem_", "stem.conv1."),
        Rename(r"^stage(\d)_", _timm_stage),
        Rename(r"\.block(\d+)_(\d)_", _timm_block),
        Rename(r"\.down_", ".conv_down."),
        Rename(r"\.wide_", ".conv_exp."),
        Rename(r"\.after_", ".conv_transition_b."),
        Rename(r"\.join_", ".conv_transition."),
        Rename(r"^head", "head.fc"),
    )
)

#: name: configuration, trainable parameters, multiply-accumulates.
_TABLE = {
    "cspresnet50": (Config((3, 3, 5, 2), "bottleneck"), 21_616_168, 4_517_240_832),
    "cspdarknet53": (Config((1, 2, 8, 8, 4), "dark"), 27_642_184, 6_533_652_480),
}

_MISH = ("The CSPDarknet53 of YOLOv4 uses Mish activations.",)

FAMILY = Family(
    name="cspnet",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="CSPNet: A New Backbone that can Enhance Learning Capability of CNN",
        authors="Wang, Liao, Yeh, Wu, Chen, Hsieh",
        year=2019,
        url="https://arxiv.org/abs/1911.11929",
    ),
    input_shape=(256, 256, 3),
    preprocessing=replace(IMAGENET, crop=0.887),
    variants={
        name: Variant(
            config=config,
            reference=f"timm/{name}",
            params=params,
            macs=macs,
            deviations=_MISH if config.form == "dark" else (),
        )
        for name, (config, params, macs) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (1, 1)},
    deviations=("Every activation is a leaky ReLU with slope 0.01, as in timm.",),
)
