"""MnasNet: inverted residuals from a search that measured latency on a phone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import conv_bn
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.blocks.inverted_residual import inverted_residual
from keras_cnnzoo.cards import (
    IMAGENET,
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Rename,
    Variant,
)
from keras_cnnzoo.layers.attention import round_to
from keras_cnnzoo.models.mobilenet_v2 import convolutions, step

#: MnasNet-B1, by stage: expansion, kernel size, channels, blocks, and the stride of the
#: first block.
STAGES = (
    (1, 3, 16, 1, 1),
    (3, 3, 24, 3, 2),
    (3, 5, 40, 3, 2),
    (6, 5, 80, 3, 2),
    (6, 3, 96, 2, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)


@dataclass(frozen=True)
class Config:
    """Width, stages, dropout, and the constants of batch norm.

    Attributes:
        width: Multiplier of all channel counts except that of `top`; they are rounded
            to multiples of 8.
        stages: For each stage: expansion, kernel size, channels, blocks, and the stride
            of the first block.
        top: Channels of the 1x1 convolution after the stages.
        dropout: Dropout rate after the global average pooling.
        bn_momentum: Momentum of every batch norm.
        bn_epsilon: Epsilon of every batch norm.
    """

    width: float = 1.0
    stages: tuple[tuple[int, int, int, int, int], ...] = STAGES
    top: int = 1280
    dropout: float = 0.2
    bn_momentum: float = 0.9997
    bn_epsilon: float = 1e-5


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, stages of inverted residuals, and a 1x1 convolution."""
    same: dict[str, Any] = {
        "activation": "relu",
        "bn": {"momentum": config.bn_momentum, "epsilon": config.bn_epsilon},
    }
    x = conv_bn(x, _maps(32, config), 3, stride=2, name="stem", **same)
    maps = {"stem": x}
    for s, (expansion, kernel, filters, blocks, stride) in enumerate(
        config.stages, start=1
    ):
        for b in range(1, blocks + 1):
            x = inverted_residual(
                x,
                _maps(filters, config),
                expanded=channels(x) * expansion if expansion > 1 else None,
                kernel=kernel,
                stride=stride if b == 1 else 1,
                name=f"stage{s}_block{b}",
                **same,
            )
        maps[f"stage{s}"] = x
    maps["top"] = conv_bn(x, config.top, 1, name="top", **same)
    return maps


def _maps(filters: int, config: Config) -> int:
    return round_to(filters * config.width, 8)


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, dropout and one linear layer."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    return logits(x, classes, activation=activation)


def _torchvision(names: Sequence[str]) -> list[Rename]:
    """Count layers as torchvision does, with stem and first stage in one sequence."""
    blocks = convolutions(names)
    top = 7 + max(s for s, _ in blocks)
    renames = [
        Rename(r"^stem_conv", "layers.0"),
        Rename(r"^stem_bn", "layers.1"),
        Rename(r"^top_conv", f"layers.{top}"),
        Rename(r"^top_bn", f"layers.{top + 1}"),
        Rename(r"^head", "classifier.1"),
    ]
    for (s, b), ours in blocks.items():
        # Each convolution, its batch norm and its activation are counted.
        for at, name in enumerate(ours):
            first = s == 1
            theirs = "layers" if first else f"layers.{s + 6}.{b - 1}.layers"
            i = 3 * at + 3 * first
            renames += step(s, b, name, f"{theirs}.{i}", f"{theirs}.{i + 1}")
    return renames


#: size: width, trainable parameters, multiply-accumulates, top-1 accuracy of
#: torchvision's weights, image size before the crop.
_TABLE = {
    "0_5": (0.5, 2_218_512, 104_455_968, 67.734, 256),
    "0_75": (0.75, 3_170_208, 215_493_104, 71.180, 232),
    "1_0": (1.0, 4_383_312, 314_415_872, 73.456, 256),
    "1_3": (1.3, 6_282_256, 526_362_432, 76.506, 232),
}
_PAGE = "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models."


def _variant(size: str) -> Variant:
    width, params, macs, top1, resized = _TABLE[size]
    name = f"mnasnet{size}"
    return Variant(
        config=Config(width),
        reference=f"torchvision/{name}",
        preprocessing=replace(IMAGENET, crop=224 / resized),
        params=params,
        macs=macs,
        claims=(
            Claim(
                metric="ImageNet val top-1 accuracy %, 1 crop",
                value=top1,
                source=f"{_PAGE}{name}.html",
            ),
        ),
    )


FAMILY = Family(
    name="mnasnet",
    body=body,
    head=head,
    paper=Paper(
        title="MnasNet: Platform-Aware Neural Architecture Search for Mobile",
        authors="Tan, Chen, Pang, Vasudevan, Sandler, Howard, Le",
        year=2018,
        url="https://arxiv.org/abs/1807.11626",
    ),
    input_shape=(224, 224, 3),
    variants={f"mnasnet{size}": _variant(size) for size in _TABLE},
    name_maps={"torchvision": NameMap(_torchvision)},
    sketch={"stages": (STAGES[0], (3, 5, 40, 2, 2))},
    deviations=(
        "This is MnasNet-B1, without gates, as in torchvision; the paper shows A1.",
    ),
)
