"""All-CNN: convolutions only, with strides in place of pooling."""

from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.blocks.heads import on_last_map
from keras_cnnzoo.blocks.map_head import map_classifier
from keras_cnnzoo.cards import CIFAR10, Claim, Family, Features, NameMap, Paper, Variant


@dataclass(frozen=True)
class Config:
    """Channels of each stage, and the dropout rates of the image and of the stages."""

    widths: tuple[int, int] = (96, 192)
    image_dropout: float = 0.2
    dropout: float = 0.5


def body(x: KerasTensor, config: Config) -> Features:
    """Build All-CNN-C of table 2: strided convolutions replace model C's pooling."""
    maps = {}
    x = layers.Dropout(config.image_dropout, name="image_dropout")(x)
    for s, width in enumerate(config.widths, start=1):
        for i, stride in enumerate((1, 1, 2), start=1):
            name = f"stage{s}_conv{i}"
            x = conv(x, width, 3, stride=stride, activation="relu", name=name)
        maps[f"stage{s}"] = x
        x = layers.Dropout(config.dropout, name=f"stage{s}_dropout")(x)
    x = conv(x, width, 3, padding="valid", activation="relu", name="stage3_conv1")
    x = conv(x, width, 1, activation="relu", name="stage3_conv2")
    return maps | {"stage3": x}


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """One channel per class, then ReLU and global average pooling."""
    return map_classifier(x, classes, activation=activation, hidden="relu")


_PAGE = "https://arxiv.org/abs/1412.6806"

FAMILY = Family(
    name="allcnn",
    body=body,
    head=head,
    paper=Paper(
        title="Striving for Simplicity: The All Convolutional Net",
        authors="Springenberg, Dosovitskiy, Brox, Riedmiller",
        year=2014,
        url=_PAGE,
    ),
    input_shape=(32, 32, 3),
    classes=10,
    preprocessing=CIFAR10,
    variants={
        "allcnn_c": Variant(
            config=Config(),
            params=1_369_738,
            macs=270_798_336,
            claims=(
                Claim(
                    metric="CIFAR-10 test error %, not augmented",
                    value=9.08,
                    source=_PAGE,
                ),
            ),
        ),
    },
    name_maps={"paper": NameMap(())},
    deviations=("The paper whitens the images; here each colour channel is scaled.",),
)
