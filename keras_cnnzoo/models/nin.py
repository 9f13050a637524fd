"""Network in Network: 1x1 convolutions after each convolution, and no dense layer.

The layers are those of the authors' published Caffe model.
"""

from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.caffe_pooling import overlapping_pool
from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.blocks.heads import on_last_map
from keras_cnnzoo.blocks.map_head import map_classifier
from keras_cnnzoo.cards import Family, Features, NameMap, Paper, Preprocessing, Variant
from keras_cnnzoo.models.alexnet_2012 import MEAN


@dataclass(frozen=True)
class Config:
    """The stages, the stride of the first convolution, and dropout.

    Attributes:
        kernels: Kernel size of the first convolution of each stage.
        widths: Channels of each stage's convolution and of the 1x1s after it. The last
            1x1 of the last stage is not listed, since it is the head.
        pools: Pooling after each stage but the last, "max" or "avg", 3x3 with stride 2.
        stride: Stride of the first convolution, which is not padded unless the stride
            is 1.
        dropped: Numbers of the stages that are followed by dropout.
        dropout: Dropout rate after those stages.
    """

    kernels: tuple[int, ...] = (11, 5, 3, 3)
    widths: tuple[tuple[int, ...], ...] = (
        (96, 96, 96),
        (256, 256, 256),
        (384, 384, 384),
        (1024, 1024),
    )
    pools: tuple[str, ...] = ("max", "max", "max")
    stride: int = 4
    dropped: tuple[int, ...] = (3,)
    dropout: float = 0.5


def body(x: KerasTensor, config: Config) -> Features:
    """Stack the stages, each a convolution, 1x1 convolutions and a pooling."""
    maps = {}
    pools = (*config.pools, None)
    stages = zip(config.kernels, config.widths, pools, strict=True)
    for s, (kernel, widths, kind) in enumerate(stages, start=1):
        strided = s == 1 and config.stride > 1
        x = conv(
            x,
            widths[0],
            kernel,
            stride=config.stride if strided else 1,
            padding="valid" if strided else "same",
            activation="relu",
            name=f"stage{s}_conv",
        )
        for i, width in enumerate(widths[1:], start=1):
            x = conv(x, width, 1, activation="relu", name=f"stage{s}_mlp{i}")
        if kind is not None:
            x = overlapping_pool(x, kind, name=f"stage{s}_pool")
        maps[f"stage{s}"] = x
        if s in config.dropped:
            x = layers.Dropout(config.dropout, name=f"stage{s}_dropout")(x)
    return maps


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """One channel per class, then ReLU and global average pooling."""
    return map_classifier(x, classes, activation=activation, hidden="relu")


PAPER = Paper(
    title="Network In Network",
    authors="Lin, Chen, Yan",
    year=2013,
    url="https://arxiv.org/abs/1312.4400",
)

FAMILY = Family(
    name="nin",
    body=body,
    head=head,
    paper=PAPER,
    input_shape=(224, 224, 3),
    preprocessing=Preprocessing(mean=MEAN[::-1], order="bgr", crop=224 / 256),
    variants={
        "nin": Variant(
            config=Config(),
            params=7_595_176,
            macs=1_100_188_800,
        ),
    },
    name_maps={"paper": NameMap(())},
)
