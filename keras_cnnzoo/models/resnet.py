"""ResNet: each block learns a residual that is added to its input.

Names without a suffix are "v1.5", as in torchvision and nearly all published weights:
the 3x3 of a bottleneck has the stride. In `_v1` the first 1x1 has it, as in the first
paper. In `_v2` batch norm and ReLU come before each convolution, as in the second
paper.
"""

import re
from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import batch_norm, conv, conv_bn
from keras_cnnzoo.blocks.heads import average_classifier
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
from keras_cnnzoo.layers import PaddedMaxPooling2D, ResidualBlock


@dataclass(frozen=True)
class Config:
    """Blocks per stage, their kind and version, and the stem.

    `stem` is "7x7", one convolution, or "deep": three 3x3 convolutions, the first two
    with half of the channels. The other options are arguments of `ResidualBlock`.
    """

    blocks: tuple[int, ...]
    body: str = "basic"
    version: str = "v1.5"
    stem: str = "7x7"
    shortcut: str = "auto"
    cardinality: int = 1
    base_width: int = 64
    gate: Any = None
    drop_path: float = 0.0
    zero_init: bool = False
    use_bias: bool = False


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, then stages that halve the resolution and double the width."""
    pre = config.version == "v2"
    deep = config.stem == "deep"
    if deep:
        x = conv_bn(x, 32, 3, stride=2, name="stem1")
        x = conv_bn(x, 32, 3, name="stem2")
    kernel, stride = (3, 1) if deep else (7, 2)
    x = conv(x, 64, kernel, stride=stride, use_bias=config.use_bias, name="stem_conv")
    if not pre:
        x = batch_norm(x, name="stem_bn")
        x = layers.ReLU(name="stem_relu")(x)
    maps = {"stem": x}
    x = PaddedMaxPooling2D(3, 2, padding=1, name="stem_pool")(x)
    bottleneck = config.body == "bottleneck"
    depth = max(sum(config.blocks) - 1, 1)
    done = 0
    for s, blocks in enumerate(config.blocks, start=1):
        planes = 32 * 2**s
        width = planes * config.base_width * config.cardinality // 64
        for b in range(1, blocks + 1):
            x = ResidualBlock(
                planes * 4 if bottleneck else planes,
                config.body,
                strides=2 if s > 1 and b == 1 else 1,
                version=config.version,
                # The paper's option B projects in the first block of every stage.
                shortcut=config.shortcut,
                width=width,
                cardinality=config.cardinality,
                gate=config.gate,
                # Rates grow with depth: section 3 of the stochastic depth paper.
                drop_path=config.drop_path * done / depth,
                zero_init=config.zero_init,
                use_bias=config.use_bias,
                name=f"stage{s}_block{b}",
            )(x)
            done += 1
        maps[f"stage{s}"] = x
    if pre:
        x = batch_norm(x, name="top_bn")
        maps[f"stage{len(config.blocks)}"] = layers.ReLU(name="top_relu")(x)
    return maps


def _block(found: re.Match[str]) -> str:
    return f"layer{found[1]}.{int(found[2]) - 1}."


def _stage_and_block(found: re.Match[str]) -> str:
    return f"stages.{int(found[1]) - 1}.blocks.{int(found[2]) - 1}."


def _keras_block(found: re.Match[str]) -> str:
    return f"conv{int(found[1]) + 1}_block{found[2]}_"


_BLOCKS = r"^stage(\d+)_block(\d+)\."
TORCHVISION = (
    Rename(r"^stem_conv", "conv1"),
    Rename(r"^stem_bn", "bn1"),
    Rename(_BLOCKS, _block),
    Rename(r"shortcut_conv", "downsample.0"),
    Rename(r"shortcut_bn", "downsample.1"),
)
#: timm also numbers the ReLUs of a deep stem, and the pooling before a shortcut.
_TIMM_D = (
    *(Rename(rf"^stem{i}_conv", f"conv1.{3 * i - 3}") for i in (1, 2)),
    *(Rename(rf"^stem{i}_bn", f"conv1.{3 * i - 2}") for i in (1, 2)),
    Rename(r"^stem_conv", "conv1.6"),
    Rename(r"shortcut_conv", "downsample.1"),
    Rename(r"shortcut_bn", "downsample.2"),
)
_TIMM_GATES = (
    Rename(r"\bgate\.(fc\d)", r"se.\1", rank=4),
    Rename(r"\bgate\.conv", "se.conv"),
)
_HEAD = Rename("^head", "fc")
NAME_MAPS = {
    "torchvision": NameMap((*TORCHVISION, *_TIMM_GATES, _HEAD)),
    "akamaster": NameMap((*TORCHVISION, Rename("^head", "linear"))),
    "timm resnetv2": NameMap(
        (
            Rename(r"^stem_conv", "stem.conv"),
            Rename(_BLOCKS, _stage_and_block),
            Rename(r"\.bn(\d)", r".norm\1"),
            Rename(r"shortcut_conv", "downsample.conv"),
            Rename(r"^top_bn", "norm"),
            Rename(r"^head", "head.fc", rank=4),
        )
    ),
    "timm resnet-d": NameMap((*_TIMM_D, *TORCHVISION, *_TIMM_GATES, _HEAD)),
    "keras": NameMap(
        (
            Rename(r"^stem_", "conv1_"),
            Rename(_BLOCKS, _keras_block),
            Rename(r"shortcut_", "0_"),
            Rename(r"(conv|bn)(\d)\.", r"\2_\1."),
            Rename(r"^head", "predictions"),
            Rename(r"\.(\w+)$", r"/\1"),
        ),
        layout="keras",
    ),
}

DEPTHS = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}
#: depth and version: trainable parameters, multiply-accumulates at 224x224.
_FACTS = {
    (18, "v1.5"): (11_689_512, 1_814_073_344),
    (34, "v1.5"): (21_797_672, 3_663_761_408),
    (50, "v1.5"): (25_557_032, 4_089_184_256),
    (101, "v1.5"): (44_549_160, 7_801_405_440),
    (152, "v1.5"): (60_192_808, 11_513_626_624),
    (18, "v1"): (11_689_512, 1_814_073_344),
    (34, "v1"): (21_797_672, 3_663_761_408),
    (50, "v1"): (25_557_032, 3_857_973_248),
    (101, "v1"): (44_549_160, 7_570_194_432),
    (152, "v1"): (60_192_808, 11_282_415_616),
    (18, "v2"): (11_687_720, 1_814_073_344),
    (34, "v2"): (21_795_880, 3_663_761_408),
    (50, "v2"): (25_549_352, 4_089_184_256),
    (101, "v2"): (44_541_480, 7_801_405_440),
    (152, "v2"): (60_185_128, 11_513_626_624),
}
#: Top-1 error in % of the first paper's own models, one 224x224 crop.
_CLAIMS = {(50, "v1"): 24.7, (101, "v1"): 23.6, (152, "v1"): 23.0}


V2_PAPER = Paper(
    title="Identity Mappings in Deep Residual Networks",
    authors="He, Zhang, Ren, Sun",
    year=2016,
    url="https://arxiv.org/abs/1603.05027",
)
#: Differences of each version's blocks from its paper.
_DEVIATIONS = {
    ("v1.5", "bottleneck"): (
        "Bottlenecks have their stride in the 3x3 convolution; in the paper it is in "
        "the first 1x1.",
    ),
    **dict.fromkeys(
        [("v2", "basic"), ("v2", "bottleneck")],
        (
            "The stem's convolution has no batch norm or ReLU of its own; as in timm, "
            "the first block begins with them.",
        ),
    ),
}


#: timm's crop for its own v2 weights.
_V2_CROPS = {18: 0.9, 34: 0.9, 50: 0.95, 101: 0.95, 152: 0.875}


def _fed_v2(crop: float) -> Preprocessing:
    """Return timm's preprocessing for its own v2 weights: pixels scaled to -1..1."""
    half = (127.5,) * 3
    return Preprocessing(mean=half, std=half, crop=crop, interpolation="bicubic")


def _variant(depth: int, version: str) -> Variant:
    form, blocks = DEPTHS[depth]
    params, macs = _FACTS[depth, version]
    claims: tuple[Claim, ...] = ()
    if (depth, version) in _CLAIMS:
        claims = (
            Claim(
                metric="ImageNet validation top-1 error, %, 1 crop",
                value=_CLAIMS[depth, version],
                source="https://github.com/KaimingHe/deep-residual-networks#results",
            ),
        )
    reference = {
        # Basic blocks are the same in v1 and v1.5.
        "v1": f"keras/ResNet{depth}" if depth >= 50 else f"torchvision/resnet{depth}",
        "v1.5": f"torchvision/resnet{depth}",
        "v2": f"timm/resnetv2_{depth}",
    }
    return Variant(
        config=Config(blocks, form, version),
        reference=reference[version],
        params=params,
        macs=macs,
        claims=claims,
        paper=V2_PAPER if version == "v2" else None,
        preprocessing=_fed_v2(_V2_CROPS[depth]) if version == "v2" else None,
        deviations=_DEVIATIONS.get((version, form), ()),
    )


PAPER = Paper(
    title="Deep Residual Learning for Image Recognition",
    authors="He, Zhang, Ren, Sun",
    year=2015,
    url="https://arxiv.org/abs/1512.03385",
)

FAMILY = Family(
    name="resnet",
    body=body,
    head=average_classifier,
    paper=PAPER,
    input_shape=(224, 224, 3),
    variants={
        f"resnet{depth}{suffix}": _variant(depth, version)
        for suffix, version in (("", "v1.5"), ("_v1", "v1"), ("_v2", "v2"))
        for depth in DEPTHS
    },
    name_maps=NAME_MAPS,
    sketch={"blocks": (1, 2, 1, 1)},
)
