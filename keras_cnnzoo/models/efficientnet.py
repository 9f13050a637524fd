"""EfficientNet: a small network and a rule to scale depth, width and image size.

Models without a prefix use the padding and the batch norm epsilon of PyTorch. Models
with the prefix `tf_` use TensorFlow's, with which the paper's weights were trained.
"""

import math
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
    Variant,
)
from keras_cnnzoo.layers.attention import round_to
from keras_cnnzoo.models.mobilenet_v2 import timm_names

#: Table 1 of the paper, by stage: expansion, kernel size, channels, blocks, and the
#: stride of the first block.
STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)


@dataclass(frozen=True)
class Config:
    """Width, depth, stages, and the constants of PyTorch or TensorFlow.

    Attributes:
        width: Multiplier of all channel counts, which are rounded to multiples of 8.
        depth: Multiplier of all block counts, which are then rounded up.
        dropout: Dropout rate after the global average pooling.
        drop_path: Drop path rate. Block `i` of `n`, counted from 0, has `i / n` of it.
        padding: Padding of strided convolutions: "symmetric" as in PyTorch, or "same"
            as in TensorFlow.
        bn_momentum: Momentum of every batch norm.
        bn_epsilon: Epsilon of every batch norm.
        lite: Whether it is a Lite model, for mobile accelerators: without
            squeeze-and-excite, with ReLU6, with the channels of stem and top as at
            `width` 1, and the blocks of the first and last stage as at `depth` 1.
        stages: For each stage: expansion, kernel size, channels, blocks, and the stride
            of the first block.
    """

    width: float = 1.0
    depth: float = 1.0
    dropout: float = 0.2
    drop_path: float = 0.2
    padding: str = "symmetric"
    bn_momentum: float = 0.9
    bn_epsilon: float = 1e-5
    lite: bool = False
    stages: tuple[tuple[int, int, int, int, int], ...] = STAGES


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, inverted residuals with squeeze-and-excite, and a 1x1 convolution."""
    same: dict[str, Any] = {
        "activation": "relu6" if config.lite else "silu",
        "padding": config.padding,
        "bn": {"momentum": config.bn_momentum, "epsilon": config.bn_epsilon},
    }
    fixed = 1.0 if config.lite else config.width
    x = conv_bn(x, round_to(32 * fixed, 8), 3, stride=2, name="stem", **same)
    maps = {"stem": x}
    depths = _depths(config)
    done = 0
    for s, (stage, blocks) in enumerate(zip(config.stages, depths, strict=True), 1):
        expansion, kernel, filters, _, stride = stage
        for b in range(1, blocks + 1):
            x = inverted_residual(
                x,
                round_to(filters * config.width, 8),
                expanded=channels(x) * expansion if expansion > 1 else None,
                kernel=kernel,
                stride=stride if b == 1 else 1,
                gate=None if config.lite else _gate(x),
                drop_path=config.drop_path * done / sum(depths),
                name=f"stage{s}_block{b}",
                **same,
            )
            done += 1
        maps[f"stage{s}"] = x
    maps["top"] = conv_bn(x, round_to(1280 * fixed, 8), 1, name="top", **same)
    return maps


def _depths(config: Config) -> list[int]:
    """Scale the block counts, except in the first and last stage of Lite models."""
    depths = [math.ceil(blocks * config.depth) for *_, blocks, _ in config.stages]
    if config.lite:
        depths[0], depths[-1] = config.stages[0][3], config.stages[-1][3]
    return depths


def _gate(x: KerasTensor) -> dict[str, Any]:
    """Squeeze to a quarter of the block's input channels, not of the expanded ones."""
    return {"hidden": max(1, channels(x) // 4), "activation": "silu"}


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, dropout and one linear layer."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    return logits(x, classes, activation=activation)


_PAPER_PAGE = "https://arxiv.org/abs/1905.11946"
_LITE_PAGE = (
    "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite"
)

#: size: width, depth, dropout.
_SIZES = {
    "b0": (1.0, 1.0, 0.2),
    "b1": (1.0, 1.1, 0.2),
    "b2": (1.1, 1.2, 0.3),
    "b3": (1.2, 1.4, 0.3),
    "b4": (1.4, 1.8, 0.4),
    "b5": (1.6, 2.2, 0.4),
    "b6": (1.8, 2.6, 0.5),
    "b7": (2.0, 3.1, 0.5),
    "lite0": (1.0, 1.0, 0.2),
    "lite1": (1.0, 1.1, 0.2),
    "lite2": (1.1, 1.2, 0.3),
    "lite3": (1.2, 1.4, 0.3),
    "lite4": (1.4, 1.8, 0.3),
}
#: Top-1 accuracy of one crop in %, from the paper's table 2 and the Lite models' page.
_TOP1 = {
    "b0": 77.1,
    "b1": 79.1,
    "b2": 80.1,
    "b3": 81.6,
    "b4": 82.9,
    "b5": 83.6,
    "b6": 84.0,
    "b7": 84.3,
    "lite0": 75.1,
    "lite1": 76.7,
    "lite2": 77.6,
    "lite3": 79.8,
    "lite4": 81.5,
}
#: name: image size, crop, trainable parameters, multiply-accumulates.
_FACTS = {
    "efficientnet_b0": (224, 0.875, 5_288_548, 385_814_752),
    "efficientnet_b1": (240, 0.9, 7_794_184, 686_802_832),
    "efficientnet_b2": (256, 0.875, 9_109_994, 859_853_760),
    "efficientnet_b3": (288, 0.875, 12_233_232, 1_589_198_096),
    "efficientnet_b4": (320, 0.875, 19_341_616, 3_063_687_008),
    "efficientnet_b5": (448, 1.0, 30_389_784, 9_404_374_080),
    "efficientnet_b6": (528, 0.942, 43_040_704, 19_067_593_536),
    "efficientnet_b7": (600, 0.949, 66_347_960, 37_745_884_192),
    "efficientnet_lite0": (224, 0.875, 4_652_008, 385_187_552),
    "efficientnet_lite1": (240, 0.882, 5_416_680, 600_185_232),
    "efficientnet_lite2": (260, 0.89, 6_092_072, 859_736_272),
    "efficientnet_lite3": (300, 0.904, 8_197_096, 1_607_554_544),
    "efficientnet_lite4": (380, 0.922, 13_006_568, 3_943_564_112),
    "tf_efficientnet_b0": (224, 0.875, 5_288_548, 385_814_752),
    "tf_efficientnet_b1": (240, 0.882, 7_794_184, 686_802_832),
    "tf_efficientnet_b2": (260, 0.89, 9_109_994, 993_561_872),
    "tf_efficientnet_b3": (300, 0.904, 12_233_232, 1_827_141_392),
    "tf_efficientnet_b4": (380, 0.922, 19_341_616, 4_393_771_024),
    "tf_efficientnet_b5": (456, 0.934, 30_389_784, 10_266_384_752),
    "tf_efficientnet_b6": (528, 0.942, 43_040_704, 19_067_593_536),
    "tf_efficientnet_b7": (600, 0.949, 66_347_960, 37_745_884_192),
    "tf_efficientnet_lite0": (224, 0.875, 4_652_008, 385_187_552),
    "tf_efficientnet_lite1": (240, 0.882, 5_416_680, 600_185_232),
    "tf_efficientnet_lite2": (260, 0.89, 6_092_072, 859_736_272),
    "tf_efficientnet_lite3": (300, 0.904, 8_197_096, 1_607_554_544),
    "tf_efficientnet_lite4": (380, 0.92, 13_006_568, 3_943_564_112),
}
#: Scales pixels to -1..1.
_HALF: dict[str, Any] = {"mean": (127.5,) * 3, "std": (127.5,) * 3}
#: The models that timm preprocesses differently.
_FED: dict[str, dict[str, Any]] = {
    "efficientnet_b1": _HALF,
    "efficientnet_b5": {"fit": "resize"},
    "tf_efficientnet_lite0": _HALF,
    "tf_efficientnet_lite1": _HALF,
    "tf_efficientnet_lite2": _HALF,
    "tf_efficientnet_lite3": _HALF | {"interpolation": "bilinear"},
    "tf_efficientnet_lite4": _HALF | {"interpolation": "bilinear"},
}


def _variant(name: str) -> Variant:
    side, crop, params, macs = _FACTS[name]
    size = name.rpartition("_")[2]
    lite = size.startswith("lite")
    config = Config(*_SIZES[size], lite=lite)
    claims: tuple[Claim, ...] = ()
    if name.startswith("tf_"):
        config = replace(config, padding="same", bn_epsilon=1e-3)
        claims = (
            Claim(
                metric="ImageNet val top-1 accuracy %, 1 crop",
                value=_TOP1[size],
                source=_LITE_PAGE if lite else f"{_PAPER_PAGE} table 2",
            ),
        )
    fed = replace(IMAGENET, interpolation="bicubic", crop=crop)
    return Variant(
        config=config,
        reference=f"timm/{name}",
        params=params,
        macs=macs,
        input_shape=(side, side, 3),
        preprocessing=replace(fed, **_FED.get(name, {})),
        claims=claims,
    )


FAMILY = Family(
    name="efficientnet",
    body=body,
    head=head,
    paper=Paper(
        title="EfficientNet: Rethinking Model Scaling for Convolutional Neural "
        "Networks",
        authors="Tan, Le",
        year=2019,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    variants={name: _variant(name) for name in _FACTS},
    name_maps={"timm": NameMap(timm_names)},
    sketch={"stages": (STAGES[0], STAGES[2])},
    deviations=(
        "The momentum of batch norm is 0.9, as in timm; in the paper it is 0.99.",
    ),
)
