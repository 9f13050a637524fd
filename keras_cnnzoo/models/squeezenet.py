"""SqueezeNet: AlexNet's accuracy with a fiftieth of its parameters.

`squeezenet1_1` is the authors' later version, with the same accuracy at less than half
the cost. `squeezenet1_0_bypass` adds the input of every second fire module to its
output, as in ResNets.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
from keras import KerasTensor, layers

from keras_cnnzoo.axes import channel_axis, channels
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
    Rename,
    Variant,
    Weights,
)
from keras_cnnzoo.layers import PaddedMaxPooling2D


@dataclass(frozen=True)
class Config:
    """The stem, the fire modules, bypasses, and the head.

    Attributes:
        stem: Channels and kernel size of the first convolution.
        squeeze: Channels of the squeezing 1x1 in each fire module, by stage. A pooling
            comes before each stage.
        expand: Channels of each of the two expanding convolutions, as a multiple of the
            squeezed channels.
        bypass: Whether a module whose input and output have the same shape adds them.
        dropout: Dropout rate before the head's convolution.
        head_padding: Zero padding before the head's convolution, in pixels. The
            authors' file of version 1.0 has 1.
    """

    stem: tuple[int, int]
    squeeze: tuple[tuple[int, ...], ...]
    expand: int = 4
    bypass: bool = False
    dropout: float = 0.5
    head_padding: int = 0


def body(x: KerasTensor, config: Config) -> Features:
    """Unpadded stem, then stages of fire modules, numbered from 2 as published."""
    filters, kernel = config.stem
    x = conv(
        x,
        filters,
        kernel,
        stride=2,
        padding="valid",
        activation="relu",
        name="stem_conv",
    )
    maps = {"stem": x}
    number = 2
    for s, squeezes in enumerate(config.squeeze, start=1):
        x = PaddedMaxPooling2D(3, 2, ceil_mode=True, name=f"stage{s}_pool")(x)
        for squeeze in squeezes:
            x = _fire(x, squeeze, config, name=f"stage{s}_fire{number}")
            number += 1
        maps[f"stage{s}"] = x
    return maps


def _fire(x: KerasTensor, squeeze: int, config: Config, *, name: str) -> KerasTensor:
    """Squeeze the channels by a 1x1, then expand by a 1x1 and a 3x3 in parallel."""
    few = conv(x, squeeze, 1, activation="relu", name=f"{name}_squeeze")
    wide = [
        conv(
            few,
            squeeze * config.expand,
            kernel,
            activation="relu",
            name=f"{name}_expand{kernel}x{kernel}",
        )
        for kernel in (1, 3)
    ]
    y = layers.Concatenate(channel_axis(), name=name)(wide)
    if config.bypass and channels(x) == channels(y):
        y = layers.Add(name=f"{name}_bypass")([x, y])
    return y


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """One channel per class, then ReLU and global average pooling."""
    x = layers.Dropout(config.dropout, name="dropout")(x)
    if config.head_padding:
        x = layers.ZeroPadding2D(config.head_padding, name="head_pad")(x)
    start = keras.initializers.RandomNormal(stddev=0.01)
    return map_classifier(
        x, classes, activation=activation, hidden="relu", kernel_initializer=start
    )


def _torchvision(names: Sequence[str]) -> list[Rename]:
    """Count as torchvision does: stem, poolings and fire modules in one sequence."""
    found = (re.match(r"(stage\d)_(fire\d+)_", name) for name in names)
    fires = dict.fromkeys((m[1], m[2]) for m in found if m)
    renames = [
        Rename(r"^stem_conv", "features.0"),
        Rename(r"_expand(\dx\d)", r".expand\1"),
        Rename(r"_squeeze", ".squeeze"),
    ]
    at, before = 2, ""  # after the stem and its ReLU
    for stage, fire in fires:
        at += stage != before  # for the pooling
        before = stage
        renames.append(Rename(rf"^{stage}_{fire}\.", f"features.{at}."))
        at += 1
    return [*renames, Rename(r"^head", "classifier.1")]


_AUTHORS = (
    Rename(r"^stem_conv", "conv1"),
    Rename(r"^stage\d_(fire\d+)_", r"\1/"),
    Rename(r"squeeze", "squeeze1x1"),
    Rename(r"^head", "conv10"),
)
NAME_MAPS = {
    "torchvision": NameMap(_torchvision),
    "paper": NameMap((*_AUTHORS, Rename("/", "."))),
    # The arrays of the authors' Caffe files.
    "caffe": NameMap((*_AUTHORS, Rename(r"\.([wb])\w+$", r".\1"))),
    "rcmalli": NameMap((*_AUTHORS, Rename(r"\.(\w+)$", r"/\1")), layout="keras"),
}

_V1_0 = Config((96, 7), ((16, 16, 32), (32, 48, 48, 64), (64,)))
_V1_1 = Config((64, 3), ((16, 16), (32, 32), (48, 48, 64, 64)))
_TORCHVISION_PAGE = (
    "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models."
)
_PAPER_PAGE = "https://arxiv.org/abs/1602.07360"
_TOP1 = "ImageNet val top-1 accuracy %, 1 crop"
_TOP5 = "ImageNet val top-5 accuracy %, 1 crop"
#: The authors' preprocessing: BGR, minus the mean colour.
CAFFE = Preprocessing(
    mean=(104.0, 117.0, 123.0), std=(1.0, 1.0, 1.0), order="bgr", crop=0.875
)


def _claims(source: str, top1: float, top5: float) -> tuple[Claim, ...]:
    return (
        Claim(metric=_TOP1, value=top1, source=source),
        Claim(metric=_TOP5, value=top5, source=source),
    )


def _authors(version: str, claims: tuple[Claim, ...], **options: Any) -> Weights:
    """Describe the authors' own weights, which are Caffe files."""
    return Weights(
        tag=f"deepscale/squeezenet_v{version}",
        source="DeepScale",
        url=f"https://github.com/forresti/SqueezeNet/tree/master/SqueezeNet_v{version}",
        license="BSD-2-Clause",
        preprocessing=CAFFE,
        options=options,
        claims=claims,
    )


FAMILY = Family(
    name="squeezenet",
    body=body,
    head=head,
    paper=Paper(
        title="SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB "
        "model size",
        authors="Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer",
        year=2016,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    variants={
        "squeezenet1_0": Variant(
            config=_V1_0,
            reference="torchvision/squeezenet1_0",
            params=1_248_424,
            macs=818_924_576,
            claims=_claims(f"{_TORCHVISION_PAGE}squeezenet1_0.html", 58.092, 80.420),
            weights=(
                _authors(
                    "1.0",
                    _claims(f"{_PAPER_PAGE} table 3", 57.5, 80.3),
                    head_padding=1,
                ),
            ),
            deviations=(
                "The last convolution is not padded, as in torchvision; the authors' "
                "file pads it by one pixel, as does `head_padding=1`.",
            ),
        ),
        "squeezenet1_1": Variant(
            config=_V1_1,
            reference="torchvision/squeezenet1_1",
            params=1_235_496,
            macs=349_151_936,
            claims=_claims(f"{_TORCHVISION_PAGE}squeezenet1_1.html", 58.178, 80.624),
            weights=(_authors("1.1", ()),),
        ),
        "squeezenet1_0_bypass": Variant(
            config=replace(_V1_0, bypass=True),
            params=1_248_424,
            macs=818_924_576,
            claims=_claims(f"{_PAPER_PAGE} table 3", 60.4, 82.5),
        ),
    },
    name_maps=NAME_MAPS,
    sketch={"squeeze": ((16, 16), (32,), (64,))},
)
