"""AlexNet as published: two towers, overlapping pooling, response normalisation."""

from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, initializers

from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.blocks.dense_head import dense_head
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
from keras_cnnzoo.layers import LocalResponseNormalization

#: ImageNet's mean colour. The paper subtracts a mean image instead.
MEAN = (123.675, 116.28, 103.53)


@dataclass(frozen=True)
class Config:
    """Pooling, and the head's units and dropout.

    Attributes:
        pool: Kind of pooling: "max", "avg" or "l2".
        units: Units of the head's two hidden layers.
        dropout: Rate of both dropout layers in the head.
    """

    pool: str = "max"
    units: tuple[int, int] = (4096, 4096)
    dropout: float = 0.5


def _start(bias: str = "zeros") -> dict[str, Any]:
    """Return the initializers of section 5 of the paper."""
    return {
        "kernel_initializer": initializers.RandomNormal(stddev=0.01),
        "bias_initializer": bias,
    }


def _conv(
    x: KerasTensor,
    filters: int,
    kernel: int,
    *,
    name: str,
    bias: str = "zeros",
    **kwargs: Any,
) -> KerasTensor:
    return conv(
        x, filters, kernel, activation="relu", name=name, **_start(bias), **kwargs
    )


def body(x: KerasTensor, config: Config) -> Features:
    """Five convolutions; the two towers are the groups of conv2, conv4 and conv5.

    The order is ReLU, normalisation, pooling; Caffe's CaffeNet swaps the last two.
    """
    x = _conv(x, 96, 11, stride=4, padding="valid", name="conv1")
    x = LocalResponseNormalization(name="lrn1")(x)
    stage1 = pool(x, config.pool, 3, 2, name="pool1")
    x = _conv(stage1, 256, 5, groups=2, bias="ones", name="conv2")
    x = LocalResponseNormalization(name="lrn2")(x)
    stage2 = pool(x, config.pool, 3, 2, name="pool2")
    stage3 = _conv(stage2, 384, 3, name="conv3")
    stage4 = _conv(stage3, 384, 3, groups=2, bias="ones", name="conv4")
    x = _conv(stage4, 256, 3, groups=2, bias="ones", name="conv5")
    stage5 = pool(x, config.pool, 3, 2, name="pool5")
    return {
        "stage1": stage1,
        "stage2": stage2,
        "stage3": stage3,
        "stage4": stage4,
        "stage5": stage5,
    }


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
        **_start("ones"),
    )


FAMILY = Family(
    name="alexnet_2012",
    body=body,
    head=head,
    paper=Paper(
        title="ImageNet Classification with Deep Convolutional Neural Networks",
        authors="Krizhevsky, Sutskever, Hinton",
        year=2012,
        url="https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
    ),
    # The paper says 224, but its 55x55 feature maps need images of 227.
    input_shape=(227, 227, 3),
    preprocessing=Preprocessing(mean=MEAN, crop=227 / 256),
    variants={
        "alexnet_2012": Variant(
            config=Config(),
            params=60_965_224,
            macs=724_406_816,
            claims=(
                Claim(
                    metric="ImageNet val top-1 error %, 10 crops",
                    value=40.7,
                    source="https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
                ),
            ),
        ),
    },
    name_maps={"paper": NameMap(())},
    sketch={"input_shape": (131, 131, 3), "units": (32, 32)},
    deviations=(
        "Preprocessing subtracts one mean colour, not a mean image.",
        "Response normalisation also uses neighbouring channels of the other tower.",
        "Image sizes other than 227 are accepted: the last feature map is averaged to "
        "6x6.",
    ),
)
