"""ShuffleNet v1: grouped 1x1 convolutions, and a channel shuffle between them.

`shufflenet_v1_g3` has three groups. More groups allow more channels at the same cost.
"""

from dataclasses import dataclass

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channel_axis, channels
from keras_cnnzoo.blocks.conv import conv_bn, depthwise_bn
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import Claim, Family, Features, NameMap, Paper, Rename, Variant
from keras_cnnzoo.layers import ChannelShuffle, PaddedMaxPooling2D


@dataclass(frozen=True)
class Config:
    """Groups, width and depth.

    Attributes:
        groups: Groups of the 1x1 convolutions.
        width: Channels of the first stage; each further stage doubles them.
        blocks: Blocks of each stage. The first block of a stage halves the resolution.
        stem: Channels of the first convolution.
    """

    groups: int
    width: int
    blocks: tuple[int, ...] = (4, 8, 4)
    stem: int = 24


def body(x: KerasTensor, config: Config) -> Features:
    """Table 1 of the paper; its stages are counted from 2."""
    x = conv_bn(x, config.stem, 3, stride=2, name="stem")
    maps = {"stem": x}
    x = PaddedMaxPooling2D(3, 2, padding=1, name="stem_pool")(x)
    for s, blocks in enumerate(config.blocks, start=2):
        for b in range(1, blocks + 1):
            x = _unit(
                x,
                config.width * 2 ** (s - 2),
                halve=b == 1,
                groups=config.groups,
                # The stem has too few channels for groups.
                first_groups=1 if s == 2 and b == 1 else config.groups,
                name=f"stage{s}_block{b}",
            )
        maps[f"stage{s}"] = x
    return maps


def _unit(
    x: KerasTensor,
    width: int,
    *,
    halve: bool,
    groups: int,
    first_groups: int,
    name: str,
) -> KerasTensor:
    """Figure 2 (b), or (c) with a pooling shortcut if the resolution is halved."""
    inner, stride = width // 4, 2 if halve else 1
    y = conv_bn(x, inner, 1, groups=first_groups, name=f"{name}_pw1")
    if groups > 1:
        y = ChannelShuffle(groups, name=f"{name}_shuffle")(y)
    y = depthwise_bn(y, 3, stride=stride, activation=None, name=f"{name}_dw")
    # A concatenated shortcut already provides part of the channels.
    new = width - channels(x) if halve else width
    y = conv_bn(y, new, 1, groups=groups, activation=None, name=f"{name}_pw2")
    if halve:
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
        x = layers.AveragePooling2D(3, 2, name=f"{name}_pool")(x)
        y = layers.Concatenate(channel_axis(), name=f"{name}_concat")([x, y])
    else:
        y = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=name)(y)


#: groups: channels of the first stage, trainable parameters, multiply-accumulates, and
#: the paper's top-1 error.
_TABLE = {
    1: (144, 1_531_936, 143_078_976, 33.6),
    2: (200, 1_733_848, 140_836_512, 32.7),
    3: (240, 1_865_728, 137_460_672, 32.6),
    4: (272, 1_968_344, 134_339_776, 32.8),
    8: (384, 2_434_768, 138_365_952, 32.4),
}
_PAPER_PAGE = "https://arxiv.org/abs/1707.01083"

FAMILY = Family(
    name="shufflenet_v1",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="ShuffleNet: An Extremely Efficient Convolutional Neural Network for "
        "Mobile Devices",
        authors="Zhang, Zhou, Lin, Sun",
        year=2017,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    variants={
        f"shufflenet_v1_g{groups}": Variant(
            config=Config(groups, width),
            params=params,
            macs=macs,
            claims=(
                Claim(
                    metric="ImageNet val top-1 error, %, 1 crop",
                    value=error,
                    source=f"{_PAPER_PAGE} table 2",
                ),
            ),
        )
        for groups, (width, params, macs, error) in _TABLE.items()
    },
    name_maps={
        "paper": NameMap((Rename(r"_block(\d+)_", r".\1."), Rename(r"^head", "fc")))
    },
    sketch={"blocks": (2, 1, 1)},
    deviations=(
        "The average pooling of the shortcut counts the zeros of its padding; the "
        "paper does not specify this.",
    ),
)
