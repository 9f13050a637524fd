"""VGG: deep stacks of 3x3 convolutions."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import batch_norm, conv
from keras_cnnzoo.blocks.dense_head import dense_head
from keras_cnnzoo.blocks.heads import on_last_map
from keras_cnnzoo.blocks.pooling import pool
from keras_cnnzoo.cards import Claim, Family, Features, NameMap, Paper, Rename, Variant


@dataclass(frozen=True)
class Config:
    """Depth, width, batch norm, pooling, and the head.

    Attributes:
        depths: Number of convolutions in each of the five stages.
        batch_norm: Whether each convolution is followed by batch norm.
        widths: Channels of each stage.
        pool: Kind of pooling: "max", "avg" or "l2".
        units: Units of the head's two hidden layers.
        dropout: Rate of both dropout layers in the head.
    """

    depths: tuple[int, ...]
    batch_norm: bool = False
    widths: tuple[int, ...] = (64, 128, 256, 512, 512)
    pool: str = "max"
    units: tuple[int, int] = (4096, 4096)
    dropout: float = 0.5


def body(x: KerasTensor, config: Config) -> Features:
    """Stack the stages; each ends in the pooling layer `stage{s}_pool`."""
    maps = {}
    stages = zip(config.depths, config.widths, strict=True)
    for s, (depth, width) in enumerate(stages, start=1):
        for i in range(1, depth + 1):
            fused = None if config.batch_norm else "relu"
            x = conv(x, width, 3, activation=fused, name=f"stage{s}_conv{i}")
            if config.batch_norm:
                x = batch_norm(x, name=f"stage{s}_bn{i}")
                x = layers.ReLU(name=f"stage{s}_relu{i}")(x)
        x = maps[f"stage{s}"] = pool(x, config.pool, name=f"stage{s}_pool")
    return maps


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Two hidden layers, each followed by dropout, and the classifier."""
    return dense_head(
        x,
        ("fc1", "fc2"),
        size=7,
        units=config.units,
        classes=classes,
        activation=activation,
        dropout=config.dropout,
    )


def _torchvision(names: Sequence[str]) -> list[Rename]:
    """Count as torchvision does: every operation in one sequence."""
    found = dict.fromkeys(
        (m[1], m[2], int(m[3]))
        for name in names
        if (m := re.match(r"(stage\d)_(conv|bn)(\d)\.", name))
    )
    normed = any(kind == "bn" for _, kind, _ in found)
    renames, at, before = [], 0, "stage1"
    for stage, kind, i in found:
        at += stage != before  # for the pooling
        before = stage
        renames.append(Rename(rf"^{stage}_{kind}{i}\.", f"features.{at}."))
        # A ReLU follows each convolution, or each batch norm where there are any.
        at += 1 if normed and kind == "conv" else 2
    dense = (("fc1", 0), ("fc2", 3), ("head", 6))
    return renames + [Rename(f"^{ours}", f"classifier.{at}") for ours, at in dense]


#: Convolutions per stage, then multiply-accumulates and torchvision's parameters and
#: top-1 accuracy of weights IMAGENET1K_V1: plain, and with batch norm.
TABLE = {
    "vgg11": (
        (1, 1, 2, 2, 2),
        7_609_090_048,
        (132_863_336, 69.020),
        (132_868_840, 70.370),
    ),
    "vgg13": (
        (2, 2, 2, 2, 2),
        11_308_466_176,
        (133_047_848, 69.928),
        (133_053_736, 71.586),
    ),
    "vgg16": (
        (2, 2, 3, 3, 3),
        15_470_264_320,
        (138_357_544, 71.592),
        (138_365_992, 73.360),
    ),
    "vgg19": (
        (2, 2, 4, 4, 4),
        19_632_062_464,
        (143_667_240, 72.376),
        (143_678_248, 74.218),
    ),
}


def _variants() -> Iterator[tuple[str, Variant]]:
    for batch_norm_too in (False, True):
        for name, (depths, macs, *published) in TABLE.items():
            params, accuracy = published[batch_norm_too]
            name = f"{name}_bn" if batch_norm_too else name
            page = "https://docs.pytorch.org/vision/stable/models/generated"
            claim = Claim(
                metric="ImageNet val top-1 accuracy %, 1 crop",
                value=accuracy,
                source=f"{page}/torchvision.models.{name}.html",
            )
            yield (
                name,
                Variant(
                    config=Config(depths, batch_norm_too),
                    reference=f"torchvision/{name}",
                    params=params,
                    macs=macs,
                    claims=(claim,),
                ),
            )


FAMILY = Family(
    name="vgg",
    body=body,
    head=head,
    paper=Paper(
        title="Very Deep Convolutional Networks for Large-Scale Image Recognition",
        authors="Simonyan, Zisserman",
        year=2014,
        url="https://arxiv.org/abs/1409.1556",
    ),
    input_shape=(224, 224, 3),
    variants=dict(_variants()),
    name_maps={"torchvision": NameMap(_torchvision)},
    sketch={"depths": (1, 1, 1, 1, 2), "units": (32, 32)},
    deviations=(
        "Image sizes other than 224 are accepted: the last feature map is averaged to "
        "7x7.",
    ),
)
