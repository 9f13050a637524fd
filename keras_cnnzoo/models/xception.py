"""Xception: modules of depthwise separable convolutions with shortcuts."""

import re
from dataclasses import dataclass

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import batch_norm, conv, conv_bn, depthwise
from keras_cnnzoo.cards import (
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Preprocessing,
    Rename,
    Variant,
)
from keras_cnnzoo.layers import PaddedMaxPooling2D
from keras_cnnzoo.models.inception_v3 import head


@dataclass(frozen=True)
class Config:
    """The modules of figure 5, and dropout.

    Attributes:
        entry: Channels of the modules of the entry flow. Each halves the resolution.
        middle: Number of modules of the middle flow, which keep the shape.
        exit: Channels of the two convolutions of the exit flow's module, which halves
            the resolution.
        top: Channels of the two separable convolutions after it.
        dropout: Dropout rate before the classifier.
    """

    entry: tuple[int, ...] = (128, 256, 728)
    middle: int = 8
    exit: tuple[int, int] = (728, 1024)
    top: tuple[int, int] = (1536, 2048)
    dropout: float = 0.5


def body(x: KerasTensor, config: Config) -> Features:
    """Two plain convolutions without padding, then the three flows."""
    x = conv_bn(x, 32, 3, stride=2, padding="valid", name="stem1")
    x = conv_bn(x, 64, 3, padding="valid", name="stem2")
    maps = {"stem": x}
    for s, filters in enumerate(config.entry, start=1):
        name = f"stage{s}_block1"
        x = _halving(x, (filters, filters), relu_first=s > 1, name=name)
        maps[f"stage{s}"] = x
    s = len(config.entry)
    for b in range(2, config.middle + 2):
        name = f"stage{s}_block{b}"
        y = _separables(x, (channels(x),) * 3, name=name)
        x = layers.Add(name=name)([y, x])
    maps[f"stage{s}"] = x
    x = _halving(x, config.exit, name=f"stage{s + 1}_block1")
    maps[f"stage{s + 1}"] = x
    for i, filters in enumerate(config.top, start=1):
        x = _separable(x, filters, name=f"top{i}")
        x = layers.ReLU(name=f"top{i}_relu")(x)
    maps["top"] = x
    return maps


def _halving(
    x: KerasTensor, widths: tuple[int, ...], *, relu_first: bool = True, name: str
) -> KerasTensor:
    """Separable convolutions and pooling, with a strided 1x1 as the shortcut."""
    y = _separables(x, widths, relu_first=relu_first, name=name)
    y = PaddedMaxPooling2D(3, 2, padding=1, name=f"{name}_pool")(y)
    x = conv_bn(x, widths[-1], 1, stride=2, activation=None, name=f"{name}_shortcut")
    return layers.Add(name=name)([y, x])


def _separables(
    x: KerasTensor, widths: tuple[int, ...], *, relu_first: bool = True, name: str
) -> KerasTensor:
    """ReLU and separable convolution in turn, without the first ReLU if asked."""
    for i, filters in enumerate(widths, start=1):
        if i > 1 or relu_first:
            x = layers.ReLU(name=f"{name}_relu{i}")(x)
        x = _separable(x, filters, name=f"{name}_sep{i}")
    return x


def _separable(x: KerasTensor, filters: int, *, name: str) -> KerasTensor:
    """Apply a depthwise 3x3, a 1x1, and batch norm."""
    x = depthwise(x, 3, name=f"{name}_dw")
    x = conv(x, filters, 1, use_bias=False, name=f"{name}_pw")
    return batch_norm(x, name=f"{name}_bn")


def _block(found: re.Match[str]) -> str:
    """Count modules across stages, as in the paper's code: the third stage has 9."""
    stage, block = int(found[1]), int(found[2])
    return f"block{12 if stage == 4 else stage + block - 1}."


def _repeat(found: re.Match[str]) -> str:
    """Count ReLU, convolution and batch norm; the first module begins without ReLU."""
    at = 3 * int(found[2]) - (3 if found[1] == "1" else 2)
    leaf = {"dw": f"{at}.conv1", "pw": f"{at}.pointwise", "bn": f"{at + 1}"}[found[3]]
    return f"block{found[1]}.rep.{leaf}"


_TIMM = NameMap(
    (
        Rename(r"^stem(\d)_(conv|bn)", r"\2\1"),
        Rename(r"^stage(\d)_block(\d+)_", _block),
        Rename(r"^block(\d+)\.sep(\d)_(dw|pw|bn)", _repeat),
        Rename(r"shortcut_conv", "skip"),
        Rename(r"shortcut_bn", "skipbn"),
        Rename(r"^top1_", "top3_"),
        Rename(r"^top2_", "top4_"),
        Rename(r"^top(\d)_dw", r"conv\1.conv1"),
        Rename(r"^top(\d)_pw", r"conv\1.pointwise"),
        Rename(r"^top(\d)_bn", r"bn\1"),
        Rename(r"^head", "fc"),
    )
)

_PAPER_PAGE = "https://arxiv.org/abs/1610.02357"

FAMILY = Family(
    name="xception",
    body=body,
    head=head,
    paper=Paper(
        title="Xception: Deep Learning with Depthwise Separable Convolutions",
        authors="Chollet",
        year=2016,
        url=_PAPER_PAGE,
    ),
    input_shape=(299, 299, 3),
    preprocessing=Preprocessing(
        mean=(127.5,) * 3, std=(127.5,) * 3, crop=0.8975, interpolation="bicubic"
    ),
    variants={
        "xception": Variant(
            config=Config(),
            reference="timm/legacy_xception",
            params=22_855_952,
            macs=8_357_403_496,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=79.0,
                    source=f"{_PAPER_PAGE} table 1",
                ),
            ),
        ),
    },
    name_maps={"timm": _TIMM},
    sketch={"middle": 1},
    deviations=(
        "Pooling with a stride pads both sides, as in PyTorch; in the author's code "
        "it pads one side.",
    ),
)
