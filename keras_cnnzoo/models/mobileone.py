"""MobileOne: MobileNet v1 with parallel training branches, fused for inference.

A model built with `fused=True` has one convolution in place of the branches.
`keras_cnnzoo.surgery.fuse(model)` converts a trained model to this form.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.blocks.reparametrized import branched_conv
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

__all__ = ["FAMILY", "Config", "body"]


@dataclass(frozen=True)
class Config:
    """Width, number of branches, and the training or the fused form.

    Attributes:
        widths: Multiplier of the channels of each stage.
        branches: Number of parallel convolutions of the same kernel size.
        fused: Whether one convolution replaces the training branches.
        blocks: Blocks of each stage. The first block of a stage halves the resolution.
    """

    widths: tuple[float, ...]
    branches: int = 1
    fused: bool = False
    blocks: tuple[int, ...] = (2, 8, 10, 1)


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, then stages of a depthwise 3x3 and a 1x1 in turn: table 2 of the paper."""
    stem = min(64, int(64 * config.widths[0]))
    x = branched_conv(x, stem, 3, stride=2, fused=config.fused, name="stem")
    x = layers.ReLU(name="stem")(x)
    maps = {"stem": x}
    same: dict[str, Any] = {"branches": config.branches, "fused": config.fused}
    plan = zip(config.blocks, config.widths, strict=False)
    for s, (blocks, width) in enumerate(plan, start=1):
        for b in range(1, blocks + 1):
            dw, pw = f"stage{s}_block{b}_dw", f"stage{s}_block{b}_pw"
            stride = 2 if b == 1 else 1
            x = branched_conv(x, None, 3, stride=stride, name=dw, **same)
            x = layers.ReLU(name=dw)(x)
            x = branched_conv(x, int(32 * 2**s * width), 1, name=pw, **same)
            x = layers.ReLU(name=pw)(x)
        maps[f"stage{s}"] = x
    return maps


def _timm_unit(found: re.Match[str]) -> str:
    place = 2 * int(found[2]) - (2 if found[3] == "dw" else 1)
    return f"stages.{int(found[1]) - 1}.{place}."


def _timm_branch(found: re.Match[str]) -> str:
    return f".conv_kxk.{int(found[1]) - 1}."


_TIMM = NameMap(
    (
        Rename(r"^stem_", "stem."),
        Rename(r"^stage(\d)_block(\d+)_(dw|pw)_", _timm_unit),
        Rename(r"\.branch(\d)_", _timm_branch),
        Rename(r"\.point_", ".conv_scale."),
        Rename(r"\.identity_bn", ".identity"),
        Rename(r"\.fused", ".reparam_conv"),
        Rename(r"^head", "head.fc"),
    )
)

_PAPER_PAGE = "https://arxiv.org/abs/2206.04040"

#: name: configuration, trainable parameters and multiply-accumulates of the training
#: form, the paper's top-1, timm's crop.
_TABLE = {
    "s0": (Config((0.75, 1, 1, 2), branches=4), 5_293_272, 1_051_935_232, 71.4, 0.875),
    "s1": (Config((1.5, 1.5, 2, 2.5)), 4_825_192, 830_062_080, 75.9, 0.9),
    "s2": (Config((1.5, 2, 2.5, 4)), 7_884_648, 1_304_027_392, 77.4, 0.9),
    "s3": (Config((2, 2.5, 3, 4)), 10_170_600, 1_902_112_768, 78.1, 0.9),
}

FAMILY = Family(
    name="mobileone",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="MobileOne: An Improved One millisecond Mobile Backbone",
        authors="Vasu, Gabriel, Zhu, Tuzel, Ranjan",
        year=2022,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    variants={
        f"mobileone_{size}": Variant(
            config=config,
            reference=f"timm/mobileone_{size}",
            preprocessing=replace(IMAGENET, crop=crop),
            params=params,
            macs=macs,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=top1,
                    source=_PAPER_PAGE,
                ),
            ),
        )
        for size, (config, params, macs, top1, crop) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (2, 1)},
)
