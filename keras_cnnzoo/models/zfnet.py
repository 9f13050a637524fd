"""ZFNet: AlexNet with a smaller first kernel and stride, chosen by visualisation."""

from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, initializers, layers

from keras_cnnzoo.blocks.caffe_pooling import overlapping_pool
from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.blocks.dense_head import dense_head
from keras_cnnzoo.blocks.heads import on_last_map
from keras_cnnzoo.cards import (
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Preprocessing,
    Variant,
)
from keras_cnnzoo.layers import LocalResponseNormalization
from keras_cnnzoo.models.alexnet_2012 import MEAN


@dataclass(frozen=True)
class Config:
    """The head's units and dropout, and response normalisation.

    Attributes:
        units: Units of the head's two hidden layers.
        dropout: Rate of both dropout layers in the head.
        lrn: Whether response normalisation follows the first two poolings.
    """

    units: tuple[int, int] = (4096, 4096)
    dropout: float = 0.5
    lrn: bool = True


def _start() -> dict[str, Any]:
    """Return the paper's initializer; we read its "10^-2" as a standard deviation."""
    return {"kernel_initializer": initializers.RandomNormal(stddev=0.01)}


def _conv(x: KerasTensor, filters: int, kernel: int, **kwargs: Any) -> KerasTensor:
    return conv(x, filters, kernel, activation="relu", **_start(), **kwargs)


def body(x: KerasTensor, config: Config) -> Features:
    """Figure 3; poolings include the last windows, which reach beyond the edge."""
    x = layers.ZeroPadding2D(1, name="conv1_pad")(x)
    x = _conv(x, 96, 7, stride=2, padding="valid", name="conv1")
    stage1 = x = _pool(x, 1, normalise=config.lrn)
    x = _conv(x, 256, 5, stride=2, padding="valid", name="conv2")
    stage2 = x = _pool(x, 2, normalise=config.lrn)
    stage3 = _conv(x, 384, 3, name="conv3")
    stage4 = _conv(stage3, 384, 3, name="conv4")
    x = _conv(stage4, 256, 3, name="conv5")
    stage5 = _pool(x, 5, normalise=False)
    return {
        "stage1": stage1,
        "stage2": stage2,
        "stage3": stage3,
        "stage4": stage4,
        "stage5": stage5,
    }


def _pool(x: KerasTensor, number: int, *, normalise: bool) -> KerasTensor:
    x = overlapping_pool(x, "max", name=f"pool{number}")
    return LocalResponseNormalization(name=f"lrn{number}")(x) if normalise else x


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Two hidden layers, each followed by dropout, and the classifier."""
    return dense_head(
        x,
        ("fc6", "fc7"),
        size=6,
        units=config.units,
        classes=classes,
        activation=activation,
        dropout=config.dropout,
        **_start(),
    )


_PAGE = "https://arxiv.org/abs/1311.2901"

FAMILY = Family(
    name="zfnet",
    body=body,
    head=head,
    paper=Paper(
        title="Visualizing and Understanding Convolutional Networks",
        authors="Zeiler, Fergus",
        year=2013,
        url=_PAGE,
    ),
    input_shape=(224, 224, 3),
    preprocessing=Preprocessing(mean=MEAN, crop=224 / 256),
    variants={
        "zfnet": Variant(
            config=Config(),
            params=62_357_608,
            macs=1_168_032_896,
            claims=(
                Claim(
                    metric="ImageNet val top-1 error %, 10 crops",
                    value=38.4,
                    source=f"{_PAGE} table 2",
                ),
            ),
        ),
    },
    name_maps={"paper": NameMap(())},
    sketch={"input_shape": (131, 131, 3), "units": (32, 32)},
    deviations=(
        "Preprocessing subtracts one mean colour, not the mean of each pixel.",
        "Response normalisation uses AlexNet's constants; the paper gives none.",
        "Filters are not renormalised to a norm of 0.1 in training.",
        "Image sizes other than 224 are accepted: the last feature map is averaged to "
        "6x6.",
    ),
)
