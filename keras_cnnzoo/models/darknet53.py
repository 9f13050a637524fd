"""Darknet-53: residual blocks of a 1x1 and a 3x3, with strides in place of pooling.

The backbone of the YOLOv3 detector.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import conv_bn
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


@dataclass(frozen=True)
class Config:
    """Depth and activation.

    Attributes:
        blocks: Blocks of each stage; a convolution before them halves the resolution.
        slope: Slope of the leaky ReLU below 0.
    """

    blocks: tuple[int, ...] = (1, 2, 8, 8, 4)
    slope: float = 0.01


def body(x: KerasTensor, config: Config) -> Features:
    """Table 1 of the paper."""
    x = conv_leaky(x, 32, 3, slope=config.slope, name="stem")
    maps = {"stem": x}
    for s, blocks in enumerate(config.blocks, start=1):
        width = 32 * 2**s
        x = conv_leaky(x, width, 3, stride=2, slope=config.slope, name=f"stage{s}_down")
        for b in range(1, blocks + 1):
            name = f"stage{s}_block{b}"
            y = conv_leaky(x, width // 2, 1, slope=config.slope, name=f"{name}_pw")
            y = conv_leaky(y, width, 3, slope=config.slope, name=f"{name}_3x3")
            x = layers.Add(name=name)([x, y])
        maps[f"stage{s}"] = x
    return maps


def conv_leaky(
    x: KerasTensor, filters: int, kernel: int, *, slope: float, name: str, **kwargs: Any
) -> KerasTensor:
    """Apply convolution, batch norm and leaky ReLU."""
    x = conv_bn(x, filters, kernel, activation=None, name=name, **kwargs)
    return layers.LeakyReLU(slope, name=f"{name}_leaky")(x)


def _timm_stage(found: re.Match[str]) -> str:
    block = f"blocks.{int(found[3]) - 1}" if found[3] else "conv_down"
    return f"stages.{int(found[1]) - 1}.{block}."


_TIMM = NameMap(
    (
        Rename(r"^stem_", "stem.conv1."),
        Rename(r"^stage(\d)_(block(\d+)|down)_", _timm_stage),
        Rename(r"\.pw_", ".conv1."),
        Rename(r"\.3x3_", ".conv2."),
        Rename(r"^head", "head.fc"),
    )
)

_PAPER_PAGE = "https://arxiv.org/abs/1804.02767"

FAMILY = Family(
    name="darknet53",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="YOLOv3: An Incremental Improvement",
        authors="Redmon, Farhadi",
        year=2018,
        url=_PAPER_PAGE,
    ),
    input_shape=(256, 256, 3),
    preprocessing=replace(IMAGENET, interpolation="bicubic", crop=0.887),
    variants={
        "darknet53": Variant(
            config=Config(),
            reference="timm/darknet53",
            params=41_609_928,
            macs=9_285_115_904,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=77.2,
                    source=f"{_PAPER_PAGE} table 2",
                ),
            ),
        )
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (1, 2)},
    deviations=(
        "The leaky ReLU has slope 0.01, as in timm; the authors' own network has 0.1 "
        "(`slope=0.1`).",
    ),
)
