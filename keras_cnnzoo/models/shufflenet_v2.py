"""ShuffleNet v2: half of the channels bypass each block, then all are shuffled."""

import re
from dataclasses import dataclass, replace

from keras import KerasTensor, layers, ops

from keras_cnnzoo.axes import channel_axis
from keras_cnnzoo.blocks.conv import conv_bn, depthwise_bn
from keras_cnnzoo.blocks.heads import average_classifier
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
from keras_cnnzoo.layers import ChannelShuffle, PaddedMaxPooling2D


@dataclass(frozen=True)
class Config:
    """Depth and width.

    Attributes:
        widths: Channels of each stage.
        top: Channels of the 1x1 convolution after the stages.
        stem: Channels of the first convolution.
        blocks: Blocks of each stage. The first block of a stage halves the resolution.
    """

    widths: tuple[int, ...]
    top: int = 1024
    stem: int = 24
    blocks: tuple[int, ...] = (4, 8, 4)


def body(x: KerasTensor, config: Config) -> Features:
    """Table 5 of the paper; its stages are counted from 2."""
    x = conv_bn(x, config.stem, 3, stride=2, name="stem")
    maps = {"stem": x}
    x = PaddedMaxPooling2D(3, 2, padding=1, name="stem_pool")(x)
    plan = zip(config.widths, config.blocks, strict=True)
    for s, (width, blocks) in enumerate(plan, start=2):
        for b in range(1, blocks + 1):
            x = _unit(x, width, halve=b == 1, name=f"stage{s}_block{b}")
        maps[f"stage{s}"] = x
    maps["top"] = conv_bn(x, config.top, 1, name="top")
    return maps


def _unit(x: KerasTensor, width: int, *, halve: bool, name: str) -> KerasTensor:
    """Figure 3 (c), or (d), which halves the resolution and has no bypass."""
    axis, stride = channel_axis(), 2 if halve else 1
    if halve:
        left = _depthwise(x, stride, name=f"{name}_left_dw")
        left = conv_bn(left, width // 2, 1, name=f"{name}_left_pw")
        right = x
    else:
        left, right = ops.split(x, 2, axis)
    right = conv_bn(right, width // 2, 1, name=f"{name}_pw1")
    right = _depthwise(right, stride, name=f"{name}_dw")
    right = conv_bn(right, width // 2, 1, name=f"{name}_pw2")
    x = layers.Concatenate(axis, name=f"{name}_concat")([left, right])
    return ChannelShuffle(2, name=name)(x)


def _depthwise(x: KerasTensor, stride: int, *, name: str) -> KerasTensor:
    return depthwise_bn(x, 3, stride=stride, activation=None, name=name)


def _block(found: re.Match[str]) -> str:
    return f"stage{found[1]}.{int(found[2]) - 1}."


#: Positions of convolution and batch norm in torchvision's branches.
_PLACES = {
    "left_dw": ("branch1.0", "branch1.1"),
    "left_pw": ("branch1.2", "branch1.3"),
    "pw1": ("branch2.0", "branch2.1"),
    "dw": ("branch2.3", "branch2.4"),
    "pw2": ("branch2.5", "branch2.6"),
}
_TORCHVISION = NameMap(
    (
        Rename(r"^stage(\d)_block(\d+)_", _block),
        *(
            Rename(rf"\.{ours}_{kind}\b", f".{theirs}")
            for ours, places in _PLACES.items()
            for kind, theirs in zip(("conv", "bn"), places, strict=True)
        ),
        Rename(r"^stem_conv", "conv1.0"),
        Rename(r"^stem_bn", "conv1.1"),
        Rename(r"^top_conv", "conv5.0"),
        Rename(r"^top_bn", "conv5.1"),
        Rename(r"^head", "fc"),
    )
)

#: name: configuration, trainable parameters, multiply-accumulates, top-1 accuracy of
#: torchvision's weights and in the paper, image size before the crop.
_TABLE = {
    "x0_5": (Config((48, 96, 192)), 1_366_792, 40_476_448, 60.552, 60.3, 256),
    "x1_0": (Config((116, 232, 464)), 2_278_604, 144_907_992, 69.362, 69.4, 256),
    "x1_5": (Config((176, 352, 704)), 3_503_624, 295_759_392, 72.996, 72.6, 232),
    "x2_0": (
        Config((244, 488, 976), top=2048),
        7_393_996,
        583_253_464,
        76.230,
        74.9,
        232,
    ),
}
_PAPER_PAGE = "https://arxiv.org/abs/1807.11164"
_PAGE = "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models."
_TOP1 = "ImageNet val top-1 accuracy %, 1 crop"


def _variant(size: str) -> Variant:
    config, params, macs, torchvision, paper, resized = _TABLE[size]
    name = f"shufflenet_v2_{size}"
    return Variant(
        config=config,
        reference=f"torchvision/{name}",
        preprocessing=replace(IMAGENET, crop=224 / resized),
        params=params,
        macs=macs,
        claims=(
            Claim(metric=_TOP1, value=torchvision, source=f"{_PAGE}{name}.html"),
            Claim(metric=_TOP1, value=paper, source=f"{_PAPER_PAGE} table 8"),
        ),
    )


FAMILY = Family(
    name="shufflenet_v2",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture "
        "Design",
        authors="Ma, Zhang, Zheng, Sun",
        year=2018,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    variants={f"shufflenet_v2_{size}": _variant(size) for size in _TABLE},
    name_maps={"torchvision": _TORCHVISION},
    sketch={"blocks": (2, 1, 1)},
)
