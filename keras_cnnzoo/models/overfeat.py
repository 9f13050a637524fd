"""OverFeat: a classifier made of convolutions alone, so it slides over any image."""

from dataclasses import dataclass

from keras import layers

from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.blocks.map_head import map_classifier
from keras_cnnzoo.cards import Claim, Family, NameMap, Paper, Preprocessing, Variant


@dataclass(frozen=True)
class Config:
    """Maps of the convolutions, units of the two wide layers, and their dropout."""

    widths: tuple[int, ...] = (96, 256, 512, 1024, 1024)
    units: tuple[int, int] = (3072, 4096)
    dropout: float = 0.5


def body(x, config: Config):
    """Table 1, layers 1 to 5: pooling behind the first two and the last."""
    w1, w2, w3, w4, w5 = config.widths
    x = conv(x, w1, 11, stride=4, padding="valid", name="conv1", activation="relu")
    stage1 = x = layers.MaxPooling2D(2, name="pool1")(x)
    x = conv(x, w2, 5, padding="valid", name="conv2", activation="relu")
    stage2 = layers.MaxPooling2D(2, name="pool2")(x)
    stage3 = conv(stage2, w3, 3, name="conv3", activation="relu")
    stage4 = conv(stage3, w4, 3, name="conv4", activation="relu")
    x = conv(stage4, w5, 3, name="conv5", activation="relu")
    return {
        "stage1": stage1,
        "stage2": stage2,
        "stage3": stage3,
        "stage4": stage4,
        "stage5": layers.MaxPooling2D(2, name="pool5")(x),
    }


def head(x, config: Config, *, classes: int, activation):
    """Layers 6 to 8, which see 6x6 at every place; the answers are averaged."""
    kernels = (6, 1)
    for i, (kernel, units) in enumerate(zip(kernels, config.units, strict=True), 6):
        x = conv(x, units, kernel, padding="valid", activation="relu", name=f"fc{i}")
        x = layers.Dropout(config.dropout, name=f"fc{i}_dropout")(x)
    return map_classifier(x, classes, activation=activation)


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
    preprocessing=Preprocessing(
        # One grey for all colours, as the authors' own program.
        mean=(118.380948,) * 3,
        std=(61.896913,) * 3,
        crop=231 / 256,
    ),
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
    },
    name_maps={"paper": NameMap(())},
    sketch={"input_shape": (231, 231, 3), "widths": (8,) * 5, "units": (16, 16)},
    deviations=(
        "The answers at all places are averaged; the paper also takes their maximum "
        "over finer shifts and several scales.",
    ),
)
