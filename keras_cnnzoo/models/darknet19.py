"""Darknet-19: 3x3 convolutions, with 1x1 between them that halve the channels.

The backbone of the YOLOv2 detector. The classifier is a 1x1 convolution with global
average pooling, without a dense layer.
"""

from dataclasses import dataclass
from typing import Any

import keras
from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.blocks.heads import on_last_map
from keras_cnnzoo.blocks.pooling import pool
from keras_cnnzoo.cards import (
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Preprocessing,
    Variant,
)
from keras_cnnzoo.models.darknet53 import conv_leaky


@dataclass(frozen=True)
class Config:
    """Channels of each convolution, the activation and the pooling.

    Attributes:
        stages: Channels of each stage's convolutions, 3x3 and 1x1 in turn.
        slope: Slope of the leaky ReLU below 0.
        pool: Pooling between the stages: "max", "avg" or "l2".
    """

    stages: tuple[tuple[int, ...], ...] = (
        (32,),
        (64,),
        (128, 64, 128),
        (256, 128, 256),
        (512, 256, 512, 256, 512),
        (1024, 512, 1024, 512, 1024),
    )
    slope: float = 0.1
    pool: str = "max"


def body(x: KerasTensor, config: Config) -> Features:
    """Table 6 of the paper."""
    maps = {}
    for s, stage in enumerate(config.stages, start=1):
        if s > 1:
            x = pool(x, config.pool, name=f"stage{s}_pool")
        for c, filters in enumerate(stage, start=1):
            kernel = 3 if c % 2 else 1
            name = f"stage{s}_block{c}"
            x = conv_leaky(x, filters, kernel, slope=config.slope, name=name)
        maps[f"stage{s}"] = x
    return maps


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """One channel per class, then global average pooling."""
    # As all classifiers, in full precision under a mixed-precision policy.
    full = {"dtype": keras.config.dtype_policy().variable_dtype}
    x = conv(x, classes, 1, name="head", **full)
    x = layers.GlobalAveragePooling2D(name="head_pool", **full)(x)
    if activation is None:
        return x
    return layers.Activation(activation, name="head_activation", **full)(x)


_PAPER_PAGE = "https://arxiv.org/abs/1612.08242"

FAMILY = Family(
    name="darknet19",
    body=body,
    head=head,
    paper=Paper(
        title="YOLO9000: Better, Faster, Stronger",
        authors="Redmon, Farhadi",
        year=2016,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    preprocessing=Preprocessing(mean=(0.0,) * 3, std=(255.0,) * 3, crop=0.875),
    variants={
        "darknet19": Variant(
            config=Config(),
            params=20_842_376,
            macs=2_790_989_824,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=72.9,
                    source=f"{_PAPER_PAGE} section 3",
                ),
            ),
        )
    },
    name_maps={"paper": NameMap(())},
    sketch={"stages": ((32,), (64,), (128, 64, 128))},
)
