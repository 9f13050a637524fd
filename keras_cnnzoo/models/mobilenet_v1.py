"""MobileNet v1: depthwise separable convolutions, each a depthwise 3x3 and a 1x1."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import conv_bn, depthwise_bn
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.cards import (
    IMAGENET,
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Preprocessing,
    Rename,
    Variant,
    Weights,
)
from keras_cnnzoo.layers.attention import round_to


@dataclass(frozen=True)
class Config:
    """Width, stages, and the choices that differ between implementations.

    Attributes:
        width: Multiplier of all channel counts, which are rounded to multiples of 8.
        stages: Blocks and channels of each stage. All but the first halve the
            resolution.
        padding: Padding of strided convolutions: "symmetric" as in PyTorch, or "same"
            as in TensorFlow.
        activation: "relu6" as in TensorFlow and timm, or "relu" as in the paper.
        dropout: Dropout rate after the global average pooling.
    """

    width: float = 1.0
    stages: tuple[tuple[int, int], ...] = (
        (1, 64),
        (2, 128),
        (2, 256),
        (6, 512),
        (2, 1024),
    )
    padding: str = "symmetric"
    activation: str = "relu6"
    dropout: float = 0.0


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, then blocks of a depthwise 3x3 and a 1x1: table 1 of the paper."""
    same: dict[str, Any] = {"padding": config.padding, "activation": config.activation}
    x = conv_bn(x, _maps(32, config), 3, stride=2, name="stem", **same)
    maps = {"stem": x}
    for s, (blocks, filters) in enumerate(config.stages, start=1):
        for b in range(1, blocks + 1):
            name = f"stage{s}_block{b}"
            stride = 2 if s > 1 and b == 1 else 1
            x = depthwise_bn(x, 3, stride=stride, name=f"{name}_dw", **same)
            x = conv_bn(x, _maps(filters, config), 1, name=f"{name}_pw", **same)
        maps[f"stage{s}"] = x
    return maps


def _maps(filters: int, config: Config) -> int:
    return round_to(filters * config.width, 8)


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, optional dropout, and one linear layer."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    if config.dropout:
        x = layers.Dropout(config.dropout, name="dropout")(x)
    return logits(x, classes, activation=activation)


_BLOCK = r"^stage(\d)_block(\d+)_"


def _timm_block(found: re.Match[str]) -> str:
    return f"blocks.{int(found[1]) - 1}.{int(found[2]) - 1}."


def _biubug6(names: Sequence[str]) -> list[Rename]:
    """Count as biubug6's code does: three stages, the first of which holds the stem."""
    blocks = dict.fromkeys(
        (int(m[1]), int(m[2])) for name in names if (m := re.match(_BLOCK, name))
    )
    renames = [Rename(r"^stem_conv", "stage1.0.0"), Rename(r"^stem_bn", "stage1.0.1")]
    at = {"stage1": 1, "stage2": 0, "stage3": 0}
    for s, b in blocks:
        theirs = {4: "stage2", 5: "stage3"}.get(s, "stage1")
        # With a slash, so that later patterns do not match the new name.
        new = f"{theirs}/{at[theirs]}/"
        renames.append(Rename(rf"^stage{s}_block{b}_", new))
        at[theirs] += 1
    steps = {"dw_conv": "0", "dw_bn": "1", "pw_conv": "3", "pw_bn": "4"}
    renames += [Rename(ours, theirs) for ours, theirs in steps.items()]
    return [*renames, Rename("/", "."), Rename(r"^head", "fc")]


def tflite_operations(names: Sequence[str]) -> list[Rename]:
    """Name convolutions by their place in a TFLite file, for any MobileNet family.

    In such a file the dense head is a 1x1 convolution, and batch norm is folded into
    the convolution before it, so that both have one name.
    """
    found = dict.fromkeys(
        m[1]
        for name in names
        if (m := re.match(r"(.*?)_?(?:conv|head)\.weight$", name))
    )
    renames = []
    for at, step in enumerate(found):
        kind = "DEPTHWISE_CONV_2D" if step.endswith("dw") else "CONV_2D"
        layer = rf"{step}_(?:conv|bn)" if step else "head"
        renames.append(Rename(rf"^{layer}\.", f"{at:02}_{kind}."))
    return [*renames, Rename(r"\.([wb])\w+$", r".\1")]


NAME_MAPS = {
    "timm": NameMap(
        (
            Rename(r"^stem_conv", "conv_stem"),
            Rename(r"^stem_bn", "bn1"),
            Rename(_BLOCK, _timm_block),
            Rename(r"(dw|pw)_conv", r"conv_\1"),
            Rename(r"dw_bn", "bn1"),
            Rename(r"pw_bn", "bn2"),
            Rename(r"^head", "classifier"),
        )
    ),
    "biubug6": NameMap(_biubug6),
    "tflite": NameMap(tflite_operations, layout="tflite", folded=True),
}

_PAPER_PAGE = "https://arxiv.org/abs/1704.04861"
_TOP1 = "ImageNet val top-1 accuracy %, 1 crop"
#: TensorFlow's preprocessing: pixels scaled to -1..1.
TENSORFLOW = Preprocessing(mean=(127.5,) * 3, std=(127.5,) * 3, crop=0.875)
TIMM = replace(TENSORFLOW, interpolation="bicubic")

#: name: width, trainable parameters, multiply-accumulates, the paper's top-1.
_TABLE = {
    "mobilenet_v1": (1.0, 4_231_976, 568_740_352, 70.6),
    "mobilenet_v1_075": (0.75, 2_585_560, 325_400_448, 68.4),
    "mobilenet_v1_050": (0.5, 1_331_592, 149_497_088, 63.7),
    "mobilenet_v1_025": (0.25, 470_072, 41_030_272, 50.6),
}
#: Google's accuracies, 1 crop, by width: for images of 224, 192, 160 and 128 pixels.
_GOOGLE = {
    1.0: (70.9, 70.0, 68.0, 65.2),
    0.75: (68.4, 67.2, 65.3, 62.1),
    0.5: (63.3, 61.7, 59.1, 56.3),
    0.25: (49.8, 47.7, 45.5, 41.5),
}
_GOOGLE_PAGE = (
    "https://github.com/tensorflow/models/blob/master/research/slim/nets/"
    "mobilenet_v1.md"
)


def _google(width: float) -> tuple[Weights, ...]:
    """Describe Google's weights for a width, which are TensorFlow checkpoints."""
    return tuple(
        Weights(
            tag=f"google/mobilenet_v1_{width}_{side}",
            source="Google",
            url=_GOOGLE_PAGE,
            license="Apache-2.0",
            preprocessing=TENSORFLOW,
            options={"padding": "same"},
            classes=1001,
            claims=(
                Claim(
                    metric=f"{_TOP1} of {side} pixels", value=top1, source=_GOOGLE_PAGE
                ),
            ),
        )
        for side, top1 in zip((224, 192, 160, 128), _GOOGLE[width], strict=True)
    )


_WEIGHTS = {
    "mobilenet_v1_025": (
        Weights(
            tag="biubug6/mobilenetv1_025",
            source="biubug6",
            url="https://github.com/biubug6/Pytorch_Retinaface",
            sha256="1a73859ca67b1d1753f5e01af050d660",
            license="MIT",
            preprocessing=IMAGENET,
            options={"activation": "relu"},
            claims=(
                Claim(
                    metric=_TOP1,
                    value=46.75,
                    source="https://github.com/biubug6/Pytorch_Retinaface",
                ),
            ),
        ),
    ),
}


FAMILY = Family(
    name="mobilenet_v1",
    body=body,
    head=head,
    paper=Paper(
        title="MobileNets: Efficient Convolutional Neural Networks for Mobile Vision "
        "Applications",
        authors="Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam",
        year=2017,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    preprocessing=TENSORFLOW,
    variants={
        name: Variant(
            config=Config(width),
            reference="timm/mobilenetv1_100" if width == 1 else "paper",
            preprocessing=TIMM if width == 1 else None,
            params=params,
            macs=macs,
            claims=(Claim(metric=_TOP1, value=top1, source=f"{_PAPER_PAGE} table 6"),),
            weights=_WEIGHTS.get(name, ()) + _google(width),
        )
        for name, (width, params, macs, top1) in _TABLE.items()
    },
    name_maps=NAME_MAPS,
    sketch={"stages": ((1, 64), (2, 128))},
    deviations=(
        "ReLU6 and symmetric padding, as in timm; the paper has plain ReLU "
        "(`activation='relu'`), and TensorFlow's weights need `padding='same'`.",
    ),
)
