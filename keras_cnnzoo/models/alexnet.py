"""AlexNet as in torchvision: one tower, without response normalisation."""

from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.blocks.dense_head import dense_head
from keras_cnnzoo.blocks.heads import on_last_map
from keras_cnnzoo.blocks.pooling import pool
from keras_cnnzoo.cards import Claim, Family, Features, NameMap, Paper, Rename, Variant


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


def body(x: KerasTensor, config: Config) -> Features:
    """Stack five convolutions; 3x3 pooling of stride 2 follows conv1, conv2, conv5."""
    x = layers.ZeroPadding2D(2, name="conv1_pad")(x)
    x = conv(x, 64, 11, stride=4, padding="valid", activation="relu", name="conv1")
    stage1 = pool(x, config.pool, 3, 2, name="pool1")
    x = conv(stage1, 192, 5, activation="relu", name="conv2")
    stage2 = pool(x, config.pool, 3, 2, name="pool2")
    stage3 = conv(stage2, 384, 3, activation="relu", name="conv3")
    stage4 = conv(stage3, 256, 3, activation="relu", name="conv4")
    x = conv(stage4, 256, 3, activation="relu", name="conv5")
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
    """Two hidden layers, each preceded by dropout, and the classifier."""
    return dense_head(
        x,
        ("fc6", "fc7"),
        size=6,
        units=config.units,
        classes=classes,
        activation=activation,
        dropout=config.dropout,
        dropout_first=True,
    )


_TORCHVISION = {
    "conv1": "features.0",
    "conv2": "features.3",
    "conv3": "features.6",
    "conv4": "features.8",
    "conv5": "features.10",
    "fc6": "classifier.1",
    "fc7": "classifier.4",
    "head": "classifier.6",
}

FAMILY = Family(
    name="alexnet",
    body=body,
    head=head,
    paper=Paper(
        title="One weird trick for parallelizing convolutional neural networks",
        authors="Krizhevsky",
        year=2014,
        url="https://arxiv.org/abs/1404.5997",
    ),
    input_shape=(224, 224, 3),
    variants={
        "alexnet": Variant(
            config=Config(),
            reference="torchvision/alexnet",
            params=61_100_840,
            macs=714_188_480,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=56.522,
                    source="https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.alexnet.html",
                ),
            ),
        ),
    },
    name_maps={
        "torchvision": NameMap(
            [Rename(f"^{ours}", theirs) for ours, theirs in _TORCHVISION.items()]
        )
    },
    sketch={"units": (32, 32)},
    deviations=(
        "As in torchvision, conv1 has 64 filters, conv4 has 256, and no convolution "
        "is grouped.",
    ),
)
