"""GhostNet: a cheap depthwise 3x3 makes half of the channels from the other half."""

import re
from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channel_axis, channels
from keras_cnnzoo.blocks.conv import conv_bn, depthwise_bn
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

#: Table 1 of the paper, by stage: kernel size, expanded channels, channels, and whether
#: the block has squeeze-and-excite. The first block of each stage but the first halves
#: the resolution.
STAGES = (
    ((3, 16, 16, False),),
    ((3, 48, 24, False), (3, 72, 24, False)),
    ((5, 72, 40, True), (5, 120, 40, True)),
    (
        (3, 240, 80, False),
        (3, 200, 80, False),
        (3, 184, 80, False),
        (3, 184, 80, False),
        (3, 480, 112, True),
        (3, 672, 112, True),
    ),
    (
        (5, 672, 160, True),
        (5, 960, 160, False),
        (5, 960, 160, True),
        (5, 960, 160, False),
        (5, 960, 160, True),
    ),
)


@dataclass(frozen=True)
class Config:
    """Width, blocks, and the head.

    Attributes:
        width: Multiplier of all channel counts except those of the head; they are
            rounded to multiples of 4.
        stages: For each block: kernel size, expanded channels, channels, and whether it
            has squeeze-and-excite.
        hidden: Units of the head's hidden layer.
        dropout: Dropout rate after the hidden layer.
    """

    width: float = 1.0
    stages: tuple[tuple[tuple[int, int, int, bool], ...], ...] = STAGES
    hidden: int = 1280
    dropout: float = 0.2


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, ghost bottlenecks, and a 1x1 to the last block's expanded channels."""
    x = conv_bn(x, _maps(16, config), 3, stride=2, name="stem")
    maps = {"stem": x}
    for s, blocks in enumerate(config.stages, start=1):
        for b, (kernel, expanded, filters, gated) in enumerate(blocks, start=1):
            x = _bottleneck(
                x,
                kernel,
                _maps(expanded, config),
                _maps(filters, config),
                stride=2 if s > 1 and b == 1 else 1,
                gated=gated,
                name=f"stage{s}_block{b}",
            )
        maps[f"stage{s}"] = x
    expanded = config.stages[-1][-1][1]
    maps["top"] = conv_bn(x, _maps(expanded, config), 1, name="top")
    return maps


def _maps(filters: int, config: Config) -> int:
    return round_to(filters * config.width, 4)


def _bottleneck(
    x: KerasTensor,
    kernel: int,
    expanded: int,
    filters: int,
    *,
    stride: int,
    gated: bool,
    name: str,
) -> KerasTensor:
    """Figure 3: one ghost module expands, another reduces; a shortcut is added."""
    linear: dict[str, Any] = {"stride": stride, "activation": None}
    y = _ghost(x, expanded, activation="relu", name=f"{name}_ghost1")
    if stride > 1:
        y = depthwise_bn(y, kernel, name=f"{name}_dw", **linear)
    if gated:
        y = SqueezeExcite(0.25, 4, gate_activation="hard_sigmoid", name=f"{name}_gate")(
            y
        )
    y = _ghost(y, filters, activation=None, name=f"{name}_ghost2")
    if stride > 1 or channels(x) != filters:
        x = depthwise_bn(x, kernel, name=f"{name}_shortcut_dw", **linear)
        x = conv_bn(x, filters, 1, activation=None, name=f"{name}_shortcut_pw")
    return layers.Add(name=name)([y, x])


def _ghost(x: KerasTensor, filters: int, *, activation: Any, name: str) -> KerasTensor:
    """Compute half of the channels by a 1x1, the rest from these by a depthwise 3x3."""
    own = conv_bn(x, filters // 2, 1, activation=activation, name=f"{name}_primary")
    ghosts = depthwise_bn(own, 3, activation=activation, name=f"{name}_cheap")
    return layers.Concatenate(channel_axis(), name=name)([own, ghosts])


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, one hidden layer, dropout and the classifier."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dense(config.hidden, activation="relu", name="head_hidden")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    return logits(x, classes, activation=activation)


def _timm_block(found: re.Match[str]) -> str:
    """Name a block as in timm, where each stage's first block is a stage of its own."""
    stage, block = int(found[1]), int(found[2])
    if stage == 1:
        return "blocks.0.0."
    first = 2 * stage - 3
    return f"blocks.{first}.0." if block == 1 else f"blocks.{first + 1}.{block - 2}."


_TIMM = NameMap(
    (
        Rename(r"^stem_conv", "conv_stem"),
        Rename(r"^stem_bn", "bn1"),
        Rename(r"^stage(\d)_block(\d)_", _timm_block),
        Rename(r"_primary_conv", ".primary_conv.0"),
        Rename(r"_primary_bn", ".primary_conv.1"),
        Rename(r"_cheap_conv", ".cheap_operation.0"),
        Rename(r"_cheap_bn", ".cheap_operation.1"),
        Rename(r"shortcut_dw_conv", "shortcut.0"),
        Rename(r"shortcut_dw_bn", "shortcut.1"),
        Rename(r"shortcut_pw_conv", "shortcut.2"),
        Rename(r"shortcut_pw_bn", "shortcut.3"),
        Rename(r"\bdw_conv", "conv_dw"),
        Rename(r"\bdw_bn", "bn_dw"),
        Rename(r"gate\.fc1", "se.conv_reduce", rank=4),
        Rename(r"gate\.fc2", "se.conv_expand", rank=4),
        Rename(r"^top_conv", "blocks.9.0.conv"),
        Rename(r"^top_bn", "blocks.9.0.bn1"),
        Rename(r"^head_hidden", "conv_head", rank=4),
        Rename(r"^head", "classifier"),
    )
)

#: name: width, name in timm, trainable parameters, multiply-accumulates, and the
#: paper's top-1 accuracy.
_TABLE = {
    "ghostnet": (1.0, "ghostnet_100", 5_182_508, 141_150_512, 73.9),
    "ghostnet_050": (0.5, "ghostnet_050", 2_587_292, 42_328_152, 66.2),
    "ghostnet_130": (1.3, "ghostnet_130", 7_358_820, 227_003_256, 75.7),
}
_PAPER_PAGE = "https://arxiv.org/abs/1911.11907"

FAMILY = Family(
    name="ghostnet",
    body=body,
    head=head,
    paper=Paper(
        title="GhostNet: More Features from Cheap Operations",
        authors="Han, Wang, Tian, Guo, Xu, Xu",
        year=2019,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    preprocessing=replace(IMAGENET, interpolation="bicubic"),
    variants={
        name: Variant(
            config=Config(width),
            reference=f"timm/{timm}",
            params=params,
            macs=macs,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=top1,
                    source=f"{_PAPER_PAGE} table 7",
                ),
            ),
        )
        for name, (width, timm, params, macs, top1) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"stages": (STAGES[0], STAGES[2], STAGES[4][:2])},
)
