"""PP-LCNet: MobileNet v1 with changes that cost little time on a CPU."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keras import KerasTensor

from keras_cnnzoo.blocks.conv import conv_bn, depthwise_bn
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
)
from keras_cnnzoo.layers import SqueezeExcite
from keras_cnnzoo.layers.attention import round_to
from keras_cnnzoo.models.mobilenet_v2 import timm_names
from keras_cnnzoo.models.mobilenet_v3 import head

#: By stage and block: kernel size, channels, stride, and whether the block has
#: squeeze-and-excite.
STAGES = (
    ((3, 32, 1, False),),
    ((3, 64, 2, False), (3, 64, 1, False)),
    ((3, 128, 2, False), (3, 128, 1, False)),
    ((3, 256, 2, False), (5, 256, 1, False)),
    ((5, 256, 1, False),) * 4,
    ((5, 512, 2, True), (5, 512, 1, True)),
)


@dataclass(frozen=True)
class Config:
    """Width, blocks, and the head.

    Attributes:
        width: Multiplier of all channel counts except those of the head; they are
            rounded to multiples of 8.
        stages: For each block: kernel size, channels, stride, and whether it has
            squeeze-and-excite.
        hidden: Units of the head's hidden layer.
        dropout: Dropout rate after the hidden layer.
    """

    width: float = 1.0
    stages: tuple[tuple[tuple[int, int, int, bool], ...], ...] = STAGES
    hidden: int = 1280
    dropout: float = 0.2


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, then blocks of a depthwise convolution and a 1x1."""
    x = conv_bn(x, _maps(16, config), 3, stride=2, activation="hard_swish", name="stem")
    maps = {"stem": x}
    for s, blocks in enumerate(config.stages, start=1):
        for b, (kernel, filters, stride, gated) in enumerate(blocks, start=1):
            x = _block(
                x,
                kernel,
                _maps(filters, config),
                stride=stride,
                gated=gated,
                name=f"stage{s}_block{b}",
            )
        maps[f"stage{s}"] = x
    return maps


def _maps(filters: int, config: Config) -> int:
    return round_to(filters * config.width, 8)


def _block(
    x: KerasTensor, kernel: int, filters: int, *, stride: int, gated: bool, name: str
) -> KerasTensor:
    x = depthwise_bn(
        x, kernel, stride=stride, activation="hard_swish", name=f"{name}_dw"
    )
    if gated:
        x = SqueezeExcite(0.25, gate_activation="hard_sigmoid", name=f"{name}_gate")(x)
    return conv_bn(x, filters, 1, activation="hard_swish", name=f"{name}_project")


def _timm(names: Sequence[str]) -> list[Rename]:
    return [Rename(r"^head_hidden", "conv_head", rank=4), *timm_names(names)]


#: The page on which the authors state their accuracies.
_PAGE = (
    "https://github.com/PaddlePaddle/PaddleClas/blob/"
    "023ec3484bdb80c38cc693bca3a0400573dad975/docs/en/models/PP-LCNet_en.md"
)
_BICUBIC = replace(IMAGENET, interpolation="bicubic")
#: name: width, trainable parameters, multiply-accumulates, the authors' top-1, and
#: timm's preprocessing.
_TABLE: dict[str, tuple[float, int, int, float, Preprocessing]] = {
    "lcnet_035": (0.35, 1_644_370, 27_357_832, 58.09, IMAGENET),
    "lcnet_050": (0.5, 1_880_856, 44_731_008, 63.14, _BICUBIC),
    "lcnet_075": (0.75, 2_358_288, 94_786_496, 68.18, _BICUBIC),
    "lcnet_100": (1.0, 2_953_800, 155_700_480, 71.32, _BICUBIC),
    "lcnet_150": (1.5, 4_501_112, 334_188_416, 73.71, IMAGENET),
}

FAMILY = Family(
    name="lcnet",
    body=body,
    head=head,
    paper=Paper(
        title="PP-LCNet: A Lightweight CPU Convolutional Neural Network",
        authors="Cui, Gao, Wei, Du, Guo, Dong, Lu, Zhou, Lv, Liu, Hu, Yu, Ma",
        year=2021,
        url="https://arxiv.org/abs/2109.15099",
    ),
    input_shape=(224, 224, 3),
    variants={
        name: Variant(
            config=Config(width),
            reference=f"timm/{name}",
            params=params,
            macs=macs,
            preprocessing=fed,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=top1,
                    source=_PAGE,
                ),
            ),
        )
        for name, (width, params, macs, top1, fed) in _TABLE.items()
    },
    name_maps={"timm": NameMap(_timm)},
    sketch={"stages": (STAGES[0], STAGES[3], STAGES[5])},
    deviations=(
        "The head's hidden layer has a bias, as in timm; in the authors' code it has "
        "none.",
    ),
)
