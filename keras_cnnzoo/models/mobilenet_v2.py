"""MobileNet v2: inverted residuals, which are narrow at the ends and wide inside."""

import re
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
    Weights,
)
from keras_cnnzoo.layers.attention import round_to
from keras_cnnzoo.models.mobilenet_v1 import TENSORFLOW, tflite_operations

#: Table 2 of the paper, by stage: expansion, channels, blocks, and the stride of the
#: first block.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


@dataclass(frozen=True)
class Config:
    """Width, stages, dropout and padding.

    Attributes:
        width: Multiplier of all channel counts, which are rounded to multiples of 8. A
            multiplier below 1 does not apply to `top`.
        stages: For each stage: expansion, channels, blocks, and the stride of the first
            block.
        top: Channels of the 1x1 convolution after the stages.
        dropout: Dropout rate after the global average pooling.
        padding: Padding of strided convolutions: "symmetric" as in PyTorch, or "same"
            as in TensorFlow.
    """

    width: float = 1.0
    stages: tuple[tuple[int, int, int, int], ...] = STAGES
    top: int = 1280
    dropout: float = 0.2
    padding: str = "symmetric"


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, stages of inverted residuals, and a 1x1 convolution."""
    same: dict[str, Any] = {"activation": "relu6", "padding": config.padding}
    x = conv_bn(x, _maps(32, config), 3, stride=2, name="stem", **same)
    maps = {"stem": x}
    for s, (expansion, filters, blocks, stride) in enumerate(config.stages, start=1):
        for b in range(1, blocks + 1):
            x = inverted_residual(
                x,
                _maps(filters, config),
                expanded=channels(x) * expansion if expansion > 1 else None,
                stride=stride if b == 1 else 1,
                name=f"stage{s}_block{b}",
                **same,
            )
        maps[f"stage{s}"] = x
    top = round_to(config.top * max(config.width, 1.0), 8)
    maps["top"] = conv_bn(x, top, 1, name="top", **same)
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


_CONVOLUTION = re.compile(r"stage(\d+)_block(\d+)_(?:(\w+)_)?conv\.weight$")


def convolutions(names: Sequence[str]) -> dict[tuple[int, int], tuple[str, ...]]:
    """Return the convolutions of each block, "expand", "dw" ..., by stage and block."""
    found: dict[tuple[int, int], tuple[str, ...]] = {}
    for match in filter(None, map(_CONVOLUTION.match, names)):
        block = int(match[1]), int(match[2])
        found[block] = (*found.get(block, ()), match[3] or "")
    return found


def step(stage: int, block: int, name: str, conv: str, bn: str) -> list[Rename]:
    """Rename one convolution of a block and the batch norm after it."""
    ours = f"^stage{stage}_block{block}_" + (f"{name}_" if name else "")
    return [Rename(f"{ours}conv", conv), Rename(f"{ours}bn", bn)]


#: timm's names of a block's convolutions, by the tuple of our names.
_TIMM = {
    ("",): ("conv",),
    ("dw", "project"): ("conv_dw", "conv_pw"),
    ("expand", "project"): ("conv_exp", "conv_pwl"),
    ("expand", "dw", "project"): ("conv_pw", "conv_dw", "conv_pwl"),
}


def timm_names(names: Sequence[str]) -> list[Rename]:
    """Name any network of inverted residuals as timm does."""
    renames = [
        Rename(r"^stem_conv", "conv_stem"),
        Rename(r"^stem_bn", "bn1"),
        Rename(r"^top_conv", "conv_head"),
        Rename(r"^top_bn", "bn2"),
        Rename(r"^head", "classifier"),
    ]
    for (s, b), ours in convolutions(names).items():
        block = f"blocks.{s - 1}.{b - 1}"
        for at, (name, conv) in enumerate(zip(ours, _TIMM[ours], strict=True), start=1):
            renames += step(s, b, name, f"{block}.{conv}", f"{block}.bn{at}")
        gate = f"^stage{s}_block{b}_gate"
        renames += [
            Rename(rf"{gate}\.fc1", f"{block}.se.conv_reduce", rank=4),
            Rename(rf"{gate}\.fc2", f"{block}.se.conv_expand", rank=4),
        ]
    return renames


def _torchvision(names: Sequence[str]) -> list[Rename]:
    """Count blocks across stages, and the convolutions in each, as torchvision does."""
    renames = [
        Rename(r"^stem_conv", "features.0.0"),
        Rename(r"^stem_bn", "features.0.1"),
        Rename(r"^head", "classifier.1"),
    ]
    blocks = convolutions(names)
    for at, ((s, b), ours) in enumerate(blocks.items(), start=1):
        theirs, last = f"features.{at}.conv", len(ours) - 1
        for i, name in enumerate(ours[:-1]):
            renames += step(s, b, name, f"{theirs}.{i}.0", f"{theirs}.{i}.1")
        renames += step(s, b, ours[-1], f"{theirs}.{last}", f"{theirs}.{last + 1}")
    top = f"features.{len(blocks) + 1}"
    return [
        *renames,
        Rename(r"^top_conv", f"{top}.0"),
        Rename(r"^top_bn", f"{top}.1"),
    ]


_PAPER_PAGE = "https://arxiv.org/abs/1801.04381"
_PAGE = "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models."
_TOP1 = "ImageNet val top-1 accuracy %, 1 crop"


def _claim(value: float, source: str) -> Claim:
    return Claim(metric=_TOP1, value=value, source=source)


#: suffix: width, trainable parameters, multiply-accumulates, claims.
_TABLE: dict[str, tuple[float, int, int, tuple[Claim, ...]]] = {
    "": (
        1.0,
        3_504_872,
        300_774_272,
        (
            _claim(71.878, f"{_PAGE}mobilenet_v2.html (IMAGENET1K_V1)"),
            _claim(72.154, f"{_PAGE}mobilenet_v2.html (IMAGENET1K_V2)"),
            _claim(72.0, f"{_PAPER_PAGE} table 4"),
        ),
    ),
    "_035": (0.35, 1_677_128, 59_285_808, ()),
    "_050": (0.5, 1_968_680, 97_131_840, ()),
    "_075": (0.75, 2_636_424, 209_069_792, ()),
    "_140": (1.4, 6_108_776, 582_195_824, (_claim(74.7, f"{_PAPER_PAGE} table 4"),)),
}


_TFLITE = Weights(
    tag="google/mobilenet_v2_1.0_224",
    source="Google",
    url="https://github.com/google-coral/test_data",
    license="Apache-2.0",
    preprocessing=TENSORFLOW,
    options={"padding": "same"},
    classes=1001,
    claims=(
        _claim(
            71.9,
            "https://github.com/tensorflow/models/blob/master/research/slim/nets/"
            "mobilenet/README.md",
        ),
    ),
)


def _variant(suffix: str) -> Variant:
    width, params, macs, claims = _TABLE[suffix]
    timm = f"timm/mobilenetv2_{round(100 * width):03}"
    return Variant(
        config=Config(width),
        reference=timm if suffix else "torchvision/mobilenet_v2",
        twins=() if suffix else (timm,),
        params=params,
        macs=macs,
        preprocessing=replace(IMAGENET, interpolation="bicubic") if suffix else None,
        claims=claims,
        weights=() if suffix else (_TFLITE,),
    )


FAMILY = Family(
    name="mobilenet_v2",
    body=body,
    head=head,
    paper=Paper(
        title="MobileNetV2: Inverted Residuals and Linear Bottlenecks",
        authors="Sandler, Howard, Zhu, Zhmoginov, Chen",
        year=2018,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    variants={f"mobilenet_v2{suffix}": _variant(suffix) for suffix in _TABLE},
    name_maps={
        "torchvision": NameMap(_torchvision),
        "timm": NameMap(timm_names),
        "tflite": NameMap(tflite_operations, layout="tflite", folded=True),
    },
    sketch={"stages": ((1, 16, 1, 1), (6, 24, 2, 2))},
    deviations=(
        "Symmetric padding, as in torchvision and timm; TensorFlow's weights need "
        "`padding='same'`.",
    ),
)
