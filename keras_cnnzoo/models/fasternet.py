"""FasterNet: a 3x3 convolves a quarter of the channels, the others pass unchanged.

Little is lost, since channels are redundant. A depthwise convolution has fewer
operations, but accesses memory more often, which makes it slower.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, initializers, layers, ops

from keras_cnnzoo.axes import channel_axis, channels
from keras_cnnzoo.blocks.conv import conv, conv_bn
from keras_cnnzoo.blocks.heads import logits, on_last_map
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
from keras_cnnzoo.layers import DropPath


@dataclass(frozen=True)
class Config:
    """Depth, width, and the parts of a block.

    Attributes:
        width: Channels of the first stage; each further stage doubles them.
        blocks: Blocks of each stage. All stages but the first halve the resolution.
        activation: Activation in the blocks and in the head.
        drop_path: Drop path rate of the last block. Rates grow linearly with depth,
            from 0 in the first block.
        divisor: The 3x3 convolves `1 / divisor` of the channels.
        expansion: Channels inside a block, as a multiple of the stage's channels.
        hidden: Units of the head's hidden layer.
    """

    width: int
    blocks: tuple[int, ...] = (1, 2, 8, 2)
    activation: str = "relu"
    drop_path: float = 0.0
    divisor: int = 4
    expansion: int = 2
    hidden: int = 1280


def body(x: KerasTensor, config: Config) -> Features:
    """Embed 4x4 patches, then apply stages with a halved resolution between them."""
    x = _merge(x, config.width, 4, name="stem")
    maps = {"stem": x}
    last = max(sum(config.blocks) - 1, 1)
    done = 0
    for s, blocks in enumerate(config.blocks, start=1):
        if s > 1:
            x = _merge(x, 2 * channels(x), 2, name=f"stage{s}_down")
        for b in range(1, blocks + 1):
            x = _block(
                x,
                config,
                drop_path=config.drop_path * done / last,
                name=f"stage{s}_block{b}",
            )
            done += 1
        maps[f"stage{s}"] = x
    return maps


def _start() -> initializers.Initializer:
    # New for each layer: an initializer that is used again repeats its values.
    return initializers.TruncatedNormal(stddev=0.02)


def _conv(x: KerasTensor, filters: int, kernel: int, *, name: str) -> KerasTensor:
    return conv(
        x, filters, kernel, use_bias=False, kernel_initializer=_start(), name=name
    )


def _merge(x: KerasTensor, filters: int, size: int, *, name: str) -> KerasTensor:
    """Merge each patch of `size` by `size` pixels into one pixel."""
    return conv_bn(
        x,
        filters,
        size,
        stride=size,
        padding="valid",
        activation=None,
        kernel_initializer=_start(),
        name=name,
    )


def _block(
    x: KerasTensor, config: Config, *, drop_path: float, name: str
) -> KerasTensor:
    """Apply a 3x3 to some channels, then expand and reduce all of them by 1x1s."""
    width, axis = channels(x), channel_axis()
    seen, past = ops.split(x, [width // config.divisor], axis)
    seen = _conv(seen, channels(seen), 3, name=f"{name}_partial_conv")
    y = layers.Concatenate(axis, name=f"{name}_partial")([seen, past])
    y = conv_bn(
        y,
        config.expansion * width,
        1,
        activation=config.activation,
        kernel_initializer=_start(),
        name=f"{name}_pw1",
    )
    y = _conv(y, width, 1, name=f"{name}_pw2_conv")
    if drop_path:
        y = DropPath(drop_path, name=f"{name}_drop_path")(y)
    return layers.Add(name=name)([x, y])


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, one hidden layer without bias, and the classifier."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dense(
        config.hidden,
        activation=config.activation,
        use_bias=False,
        kernel_initializer=_start(),
        name="head_hidden",
    )(x)
    return logits(x, classes, activation=activation, kernel_initializer=_start())


def _timm_block(found: re.Match[str]) -> str:
    return f"stages.{int(found[1]) - 1}.blocks.{int(found[2]) - 1}."


def _timm_down(found: re.Match[str]) -> str:
    return f"stages.{int(found[1]) - 1}.downsample."


_TIMM = NameMap(
    (
        Rename(r"^stem_conv", "patch_embed.proj"),
        Rename(r"^stem_bn", "patch_embed.norm"),
        Rename(r"^stage(\d)_down_", _timm_down),
        Rename(r"\.downsample\.conv", ".downsample.reduction"),
        Rename(r"\.downsample\.bn", ".downsample.norm"),
        Rename(r"^stage(\d)_block(\d+)_", _timm_block),
        Rename(r"\.partial_conv", ".spatial_mixing.partial_conv3"),
        Rename(r"\.pw1_conv", ".mlp.0"),
        Rename(r"\.pw1_bn", ".mlp.1"),
        Rename(r"\.pw2_conv", ".mlp.3"),
        Rename(r"^head_hidden", "conv_head", rank=4),
        Rename(r"^head\.", "classifier."),
    )
)

_DEEP = (3, 4, 18, 3)
#: size: configuration, trainable parameters, multiply-accumulates at 224x224, top-1 of
#: the authors' weights.
_TABLE = {
    "t0": (Config(40, activation="gelu"), 3_905_500, 335_422_720, 71.9),
    "t1": (Config(64, activation="gelu", drop_path=0.02), 7_595_368, 850_511_872, 76.2),
    "t2": (Config(96, drop_path=0.05), 14_982_888, 1_904_334_848, 78.9),
    "s": (Config(128, (1, 2, 13, 2), drop_path=0.1), 31_181_032, 4_549_740_544, 81.3),
    "m": (Config(144, _DEEP, drop_path=0.2), 53_521_464, 8_721_938_432, 83.0),
    "l": (Config(192, _DEEP, drop_path=0.3), 93_465_192, 15_494_383_616, 83.5),
}

FAMILY = Family(
    name="fasternet",
    body=body,
    head=head,
    paper=Paper(
        title="Run, Don't Walk: Chasing Higher FLOPS for Faster Neural Networks",
        authors="Chen, Kao, He, Zhuo, Wen, Lee, Chan",
        year=2023,
        url="https://arxiv.org/abs/2303.03667",
    ),
    input_shape=(224, 224, 3),
    preprocessing=replace(IMAGENET, crop=1.0, interpolation="bicubic"),
    variants={
        f"fasternet_{size}": Variant(
            config=config,
            reference=f"timm/fasternet_{size}",
            params=params,
            macs=macs,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=top1,
                    source="https://github.com/JierunChen/FasterNet",
                ),
            ),
        )
        for size, (config, params, macs, top1) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (1, 2)},
)
