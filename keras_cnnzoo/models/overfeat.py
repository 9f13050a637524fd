"""OverFeat: a fully convolutional classifier, which also slides over larger images."""

from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.blocks.heads import on_last_map
from keras_cnnzoo.blocks.map_head import map_classifier
from keras_cnnzoo.cards import (
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Preprocessing,
    Variant,
)


@dataclass(frozen=True)
class Config:
    """The convolutions, the poolings and the head.

    Attributes:
        widths: Channels of the convolutions.
        kernels: Kernel sizes of the first two, which are not padded. The others are
            3x3.
        stride: Stride of the first convolution.
        pools: Window sizes of the poolings after the first, the second and the last.
        view: Kernel size of the head's first hidden layer.
        units: Units of the head's two hidden layers.
        dropout: Rate of both dropout layers in the head.
    """

    widths: tuple[int, ...] = (96, 256, 512, 1024, 1024)
    kernels: tuple[int, int] = (11, 5)
    stride: int = 4
    pools: tuple[int, int, int] = (2, 2, 2)
    view: int = 6
    units: tuple[int, int] = (3072, 4096)
    dropout: float = 0.5


def body(x: KerasTensor, config: Config) -> Features:
    """Tables 1 and 3: pooling follows the first two convolutions and the last."""
    maps = {}
    pools = {1: config.pools[0], 2: config.pools[1]}
    pools[len(config.widths)] = config.pools[2]
    for i, width in enumerate(config.widths, start=1):
        kernel, padding = 3, "symmetric"
        if i <= len(config.kernels):
            kernel, padding = config.kernels[i - 1], "valid"
        x = conv(
            x,
            width,
            kernel,
            stride=config.stride if i == 1 else 1,
            padding=padding,
            activation="relu",
            name=f"conv{i}",
        )
        if i in pools:
            x = layers.MaxPooling2D(pools[i], name=f"pool{i}")(x)
        maps[f"stage{i}"] = x
    return maps


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Slide the last three layers over the feature map, and average their outputs."""
    kernels = (config.view, 1)
    first = len(config.widths) + 1
    steps = zip(kernels, config.units, strict=True)
    for i, (kernel, units) in enumerate(steps, start=first):
        x = conv(x, units, kernel, padding="valid", activation="relu", name=f"fc{i}")
        x = layers.Dropout(config.dropout, name=f"fc{i}_dropout")(x)
    return map_classifier(x, classes, activation=activation)


def _fed(size: int) -> Preprocessing:
    """Return the authors' preprocessing, with the same constants for each colour."""
    return Preprocessing(mean=(118.380948,) * 3, std=(61.896913,) * 3, crop=size / 256)


_PAGE = "https://arxiv.org/abs/1312.6229"

FAMILY = Family(
    name="overfeat",
    body=body,
    head=head,
    paper=Paper(
        title="OverFeat: Integrated Recognition, Localization and Detection using "
        "Convolutional Networks",
        authors="Sermanet, Eigen, Zhang, Mathieu, Fergus, LeCun",
        year=2013,
        url=_PAGE,
    ),
    input_shape=(231, 231, 3),
    preprocessing=_fed(231),
    variants={
        "overfeat_fast": Variant(
            config=Config(),
            params=145_920_872,
            macs=2_801_403_904,
            claims=(
                Claim(
                    metric="ImageNet val top-1 error %, one scale, coarse stride",
                    value=39.28,
                    source=f"{_PAGE} table 2",
                ),
            ),
        ),
        "overfeat_accurate": Variant(
            config=Config(
                widths=(96, 256, 512, 512, 1024, 1024),
                kernels=(7, 7),
                stride=2,
                pools=(3, 2, 3),
                view=5,
                units=(4096, 4096),
            ),
            reference="paper/accurate",
            params=144_656_488,
            macs=5_355_446_784,
            input_shape=(221, 221, 3),
            preprocessing=_fed(221),
        ),
    },
    name_maps={"paper": NameMap(())},
    sketch={"input_shape": (231, 231, 3), "widths": (8,) * 5, "units": (16, 16)},
    deviations=(
        "The logits of all positions are averaged; the paper also takes their maximum "
        "over finer shifts and several scales.",
    ),
)
