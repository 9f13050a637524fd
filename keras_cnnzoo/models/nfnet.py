"""NFNet: a residual network without normalisation layers.

Standardised kernels, scaled activations and fixed factors in each block keep the
variance of feature maps under control. Each residual branch starts at zero.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.cards import (
    IMAGENET,
    Family,
    Features,
    NameMap,
    Paper,
    Rename,
    Variant,
)
from keras_cnnzoo.layers import (
    DropPath,
    SkipInit,
    SqueezeExcite,
    WeightStandardizedConv2D,
)

#: Factor that gives the GELU of a standard normal input a variance of one.
GELU_GAMMA = 1.7015043497085571


@dataclass(frozen=True)
class Config:
    """Depth, width, scaling and regularisation.

    Attributes:
        blocks: Blocks of each stage.
        filters: Channels of each stage.
        group: Channels per group of the 3x3 convolutions.
        top: Channels of the 1x1 convolution after the stages.
        alpha: Factor of every residual branch.
        dropout: Dropout rate after the global average pooling.
        drop_path: Drop path rate. Block `i` of `n`, counted from 0, has `i / n` of it.
        kernel_epsilon: Epsilon that is added to the variance of the kernels.
    """

    blocks: tuple[int, ...]
    filters: tuple[int, ...] = (256, 512, 1536, 1536)
    group: int = 128
    top: int = 3072
    alpha: float = 0.2
    dropout: float = 0.2
    drop_path: float = 0.25
    kernel_epsilon: float = 1e-5


def body(x: KerasTensor, config: Config) -> Features:
    """Stem of four 3x3, stages that track the expected variance, and a 1x1."""
    maps = {}
    for number, (filters, stride) in enumerate(
        ((16, 2), (32, 1), (64, 1), (128, 2)), start=1
    ):
        x = _conv(x, filters, 3, config, stride=stride, name=f"stem_conv{number}")
        if number < 4:
            # "stem" is the last feature map of stride 2.
            x = _gelu(x, name=f"stem_gelu{number}")
            maps["stem"] = x
    total, done = sum(config.blocks), 0
    variance = 1.0
    for s, (blocks, filters) in enumerate(
        zip(config.blocks, config.filters, strict=True), start=1
    ):
        for b in range(1, blocks + 1):
            x = _block(
                x,
                filters,
                config,
                stride=2 if s > 1 and b == 1 else 1,
                beta=variance**-0.5,
                drop_path=config.drop_path * done / total,
                name=f"stage{s}_block{b}",
            )
            # The projection in a stage's first block resets the variance.
            variance = (1.0 if b == 1 else variance) + config.alpha**2
            done += 1
        maps[f"stage{s}"] = x
    x = _conv(x, config.top, 1, config, name="top_conv")
    maps["top"] = _gelu(x, name="top_gelu")
    return maps


def _block(
    x: KerasTensor,
    filters: int,
    config: Config,
    *,
    stride: int,
    beta: float,
    drop_path: float,
    name: str,
) -> KerasTensor:
    """Figure 3 of the paper's appendix: a bottleneck with two 3x3 and a gate."""
    y = _gelu(x, beta, name=f"{name}_gelu1")
    if stride > 1 or channels(x) != filters:
        x = y
        if stride > 1:
            x = layers.AveragePooling2D(
                2, stride, padding="same", name=f"{name}_shortcut_pool"
            )(x)
        x = _conv(x, filters, 1, config, name=f"{name}_shortcut_conv")
    width = filters // 2
    groups = width // config.group
    y = _conv(y, width, 1, config, name=f"{name}_conv1")
    y = _gelu(y, name=f"{name}_gelu2")
    y = _conv(y, width, 3, config, stride=stride, groups=groups, name=f"{name}_conv2")
    y = _gelu(y, name=f"{name}_gelu3")
    y = _conv(y, width, 3, config, groups=groups, name=f"{name}_conv3")
    y = _gelu(y, name=f"{name}_gelu4")
    y = _conv(y, filters, 1, config, name=f"{name}_conv4")
    y = SqueezeExcite(0.5, 8, name=f"{name}_gate")(y)
    if drop_path:
        y = DropPath(drop_path, name=f"{name}_drop_path")(y)
    y = SkipInit(name=f"{name}_skip")(y)
    # Times 2, since the gate halves its input on average.
    y = layers.Rescaling(2 * config.alpha, name=f"{name}_alpha")(y)
    return layers.Add(name=name)([y, x])


def _gelu(x: KerasTensor, scale: float = 1.0, *, name: str) -> KerasTensor:
    """Apply GELU, and scale its variance to one."""
    x = layers.Activation("gelu", name=name)(x)
    return layers.Rescaling(scale * GELU_GAMMA, name=f"{name}_scale")(x)


def _conv(
    x: KerasTensor,
    filters: int,
    kernel: int,
    config: Config,
    *,
    name: str,
    **kwargs: Any,
) -> KerasTensor:
    """Convolve with standardised kernels and a gain, padded as in TensorFlow."""
    kwargs["strides"] = kwargs.pop("stride", 1)
    return WeightStandardizedConv2D(
        filters,
        kernel,
        gain=True,
        epsilon=config.kernel_epsilon,
        padding="same",
        kernel_initializer="he_uniform",
        name=name,
        **kwargs,
    )(x)


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, dropout and one linear layer."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    return logits(x, classes, activation=activation)


def _timm_block(found: re.Match[str]) -> str:
    return f"stages.{int(found[1]) - 1}.{int(found[2]) - 1}."


_TIMM = NameMap(
    (
        Rename(r"^stem_", "stem."),
        Rename(r"^stage(\d+)_block(\d+)_", _timm_block),
        Rename(r"^(stages.*)\bconv3", r"\1conv2b"),
        Rename(r"^(stages.*)\bconv4", r"\1conv3"),
        Rename(r"\bgate\.(fc\d)", r"attn_last.\1", rank=4),
        Rename(r"\bskip\.gain", "skipinit_gain"),
        Rename(r"\bshortcut_conv", "downsample.conv"),
        Rename(r"^top_conv", "final_conv"),
        Rename(r"^head", "head.fc"),
    )
)

#: name: blocks, image size, dropout, crop, trainable parameters, multiply-accumulates.
_TABLE = {
    "nfnet_f0": ((1, 2, 6, 3), 192, 0.2, 0.9, 71_489_284, 6_977_003_520),
    "nfnet_f1": ((2, 4, 12, 6), 224, 0.3, 0.91, 132_634_256, 17_437_921_280),
}

FAMILY = Family(
    name="nfnet",
    body=body,
    head=head,
    paper=Paper(
        title="High-Performance Large-Scale Image Recognition Without Normalization",
        authors="Brock, De, Smith, Simonyan",
        year=2021,
        url="https://arxiv.org/abs/2102.06171",
    ),
    input_shape=(192, 192, 3),
    variants={
        name: Variant(
            config=Config(blocks, dropout=dropout),
            reference=f"timm/dm_{name}",
            params=params,
            macs=macs,
            input_shape=(side, side, 3),
            preprocessing=replace(
                IMAGENET, fit="squash", crop=crop, interpolation="bicubic"
            ),
        )
        for name, (blocks, side, dropout, crop, params, macs) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (1, 2), "filters": (256, 512)},
)
