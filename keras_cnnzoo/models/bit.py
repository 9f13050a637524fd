"""BiT: a ResNet with group norm and standardised kernels instead of batch norm.

Neither depends on the other images of a batch, so that small batches train as well as
large ones. The network is meant for fine-tuning.
"""

import re
from dataclasses import dataclass

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channel_axis
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import (
    Family,
    Features,
    NameMap,
    Paper,
    Preprocessing,
    Rename,
    Variant,
)
from keras_cnnzoo.layers import WeightStandardizedConv2D


@dataclass(frozen=True)
class Config:
    """Depth, width and normalisation.

    Attributes:
        blocks: Blocks of each stage.
        width: Multiplier of all channel counts.
        groups: Groups of each group norm.
        kernel_epsilon: Epsilon that is added to the variance of the kernels.
    """

    blocks: tuple[int, ...]
    width: int = 1
    groups: int = 32
    kernel_epsilon: float = 1e-8


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, then stages of bottlenecks that normalise before each convolution."""
    x = _conv(x, 64 * config.width, 7, config, stride=2, name="stem_conv")
    maps = {"stem": x}
    # Padding with zeros, which may be the maximum, as in the original code.
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    for s, blocks in enumerate(config.blocks, start=1):
        for b in range(1, blocks + 1):
            x = _block(
                x,
                32 * 2**s * config.width,
                config,
                stride=2 if s > 1 and b == 1 else 1,
                first=b == 1,
                name=f"stage{s}_block{b}",
            )
        maps[f"stage{s}"] = x
    maps[f"stage{len(config.blocks)}"] = _normalise(x, config, name="top_norm")
    return maps


def _block(
    x: KerasTensor, width: int, config: Config, *, stride: int, first: bool, name: str
) -> KerasTensor:
    """Make a bottleneck; the first of a stage has a projection shortcut."""
    y = _normalise(x, config, name=f"{name}_norm1")
    if first:
        x = _conv(y, 4 * width, 1, config, stride=stride, name=f"{name}_shortcut_conv")
    y = _conv(y, width, 1, config, name=f"{name}_conv1")
    y = _normalise(y, config, name=f"{name}_norm2")
    y = _conv(y, width, 3, config, stride=stride, name=f"{name}_conv2")
    y = _normalise(y, config, name=f"{name}_norm3")
    y = _conv(y, 4 * width, 1, config, name=f"{name}_conv3")
    return layers.Add(name=name)([y, x])


def _normalise(x: KerasTensor, config: Config, *, name: str) -> KerasTensor:
    """Apply group norm and ReLU."""
    x = layers.GroupNormalization(
        config.groups, channel_axis(), epsilon=1e-5, name=name
    )(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _conv(
    x: KerasTensor,
    filters: int,
    kernel: int,
    config: Config,
    *,
    stride: int = 1,
    name: str,
) -> KerasTensor:
    """Convolve with standardised kernels, padded equally on both sides."""
    if stride > 1 and kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    return WeightStandardizedConv2D(
        filters,
        kernel,
        epsilon=config.kernel_epsilon,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        kernel_initializer="he_uniform",
        name=name,
    )(x)


def _timm_block(found: re.Match[str]) -> str:
    return f"stages.{int(found[1]) - 1}.blocks.{int(found[2]) - 1}."


_TIMM = NameMap(
    (
        Rename(r"^stem_conv", "stem.conv"),
        Rename(r"^stage(\d+)_block(\d+)_", _timm_block),
        Rename(r"\bshortcut_conv", "downsample.conv"),
        Rename(r"^top_norm", "norm"),
        Rename(r"^head", "head.fc", rank=4),
    )
)

#: name: blocks, width, timm's name, trainable parameters, multiply-accumulates at
#: 224x224.
_TABLE = {
    "bit_resnet50x1": ((3, 4, 6, 3), 1, "resnetv2_50x1_bit", 25_549_352, 4_089_184_256),
}

FAMILY = Family(
    name="bit",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Big Transfer (BiT): General Visual Representation Learning",
        authors="Kolesnikov, Beyer, Zhai, Puigcerver, Yung, Gelly, Houlsby",
        year=2019,
        url="https://arxiv.org/abs/1912.11370",
    ),
    input_shape=(224, 224, 3),
    preprocessing=Preprocessing(
        mean=(127.5,) * 3, std=(127.5,) * 3, crop=0.875, interpolation="bicubic"
    ),
    variants={
        name: Variant(
            config=Config(blocks, width),
            reference=f"timm/{timm}",
            params=params,
            macs=macs,
        )
        for name, (blocks, width, timm, params, macs) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (1, 2)},
)
