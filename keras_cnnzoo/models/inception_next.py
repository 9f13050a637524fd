"""InceptionNeXt: ConvNeXt with its 7x7 replaced by parallel branches, as in Inception.

One part of the channels gets a 3x3 depthwise convolution, one a wide (1x11) and one a
tall (11x1) one; in `inception_next_atto` these have length 9. The others pass
unchanged, which saves time.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, initializers, layers, ops

from keras_cnnzoo.axes import channel_axis, channels
from keras_cnnzoo.blocks.conv import batch_norm, conv
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.blocks.layer_norm import layer_norm
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
from keras_cnnzoo.layers import DropPath, LayerScale


@dataclass(frozen=True)
class Config:
    """Depth, width, and the parts of a block.

    Attributes:
        blocks: Blocks of each stage. All stages but the first halve the resolution.
        widths: Channels of each stage.
        expansions: Channels inside a block, as a multiple of the stage's, by stage.
        share: Share of the channels that each of the three kernels convolves.
        strip: Length of the wide and of the tall kernel.
        drop_path: Drop path rate of the last block. Rates grow linearly with depth,
            from 0 in the first block.
        layer_scale: Initial value of the factors that scale a block's output.
        head_expansion: Hidden units of the head, as a multiple of the last channels.
    """

    blocks: tuple[int, ...] = (3, 3, 9, 3)
    widths: tuple[int, ...] = (96, 192, 384, 768)
    expansions: tuple[int, ...] = (4, 4, 4, 3)
    share: float = 0.125
    strip: int = 11
    drop_path: float = 0.0
    layer_scale: float = 1e-6
    head_expansion: int = 3


def body(x: KerasTensor, config: Config) -> Features:
    """Embed 4x4 patches, then apply stages with a halved resolution between them."""
    maps = {}
    last = max(sum(config.blocks) - 1, 1)
    done = 0
    plan = zip(config.blocks, config.widths, config.expansions, strict=True)
    for s, (blocks, width, expansion) in enumerate(plan, start=1):
        if s == 1:
            x = _conv(x, width, 4, stride=4, padding="valid", name="stem_conv")
            x = maps["stem"] = batch_norm(x, name="stem_bn")
        else:
            name = f"stage{s}_down"
            x = batch_norm(x, name=f"{name}_bn")
            x = _conv(x, width, 2, stride=2, padding="valid", name=f"{name}_conv")
        for b in range(1, blocks + 1):
            x = _block(
                x,
                expansion,
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


def _conv(
    x: KerasTensor, filters: int, kernel: int, *, name: str, **kwargs: Any
) -> KerasTensor:
    return conv(x, filters, kernel, kernel_initializer=_start(), name=name, **kwargs)


def _block(
    x: KerasTensor, expansion: int, config: Config, *, drop_path: float, name: str
) -> KerasTensor:
    """ConvNeXt's block with three depthwise kernels in place of one, and batch norm."""
    width = channels(x)
    y = _mix(x, config, name=name)
    y = batch_norm(y, name=f"{name}_bn")
    y = _conv(y, expansion * width, 1, name=f"{name}_pw1_conv")
    y = layers.Activation("gelu", name=f"{name}_gelu")(y)
    y = _conv(y, width, 1, name=f"{name}_pw2_conv")
    y = LayerScale(config.layer_scale, name=f"{name}_scale")(y)
    if drop_path:
        y = DropPath(drop_path, name=f"{name}_drop_path")(y)
    return layers.Add(name=name)([x, y])


def _mix(x: KerasTensor, config: Config, *, name: str) -> KerasTensor:
    """Split the channels into four parts, and convolve the last three depthwise."""
    width, axis = channels(x), channel_axis()
    share, strip = int(width * config.share), config.strip
    kernels = {"square": (3, 3), "wide": (1, strip), "tall": (strip, 1)}
    cuts = [width - share * left for left in (3, 2, 1)]
    past, *parts = ops.split(x, cuts, axis)
    seen = [
        layers.DepthwiseConv2D(
            kernel,
            padding="same",
            depthwise_initializer=_start(),
            name=f"{name}_{shape}_conv",
        )(part)
        for part, (shape, kernel) in zip(parts, kernels.items(), strict=True)
    ]
    return layers.Concatenate(axis, name=f"{name}_mix")([past, *seen])


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, one hidden layer, layer norm and the classifier."""
    units = config.head_expansion * channels(x)
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dense(
        units, activation="gelu", kernel_initializer=_start(), name="head_hidden"
    )(x)
    x = layer_norm(x, name="head_ln")
    return logits(x, classes, activation=activation, kernel_initializer=_start())


def _timm_block(found: re.Match[str]) -> str:
    return f"stages.{int(found[1]) - 1}.blocks.{int(found[2]) - 1}."


def _timm_down(found: re.Match[str]) -> str:
    return f"stages.{int(found[1]) - 1}.downsample."


_TIMM = NameMap(
    (
        Rename(r"^stem_conv", "stem.0"),
        Rename(r"^stem_bn", "stem.1"),
        Rename(r"^stage(\d)_down_", _timm_down),
        Rename(r"\.downsample\.bn", ".downsample.0"),
        Rename(r"\.downsample\.conv", ".downsample.1"),
        Rename(r"^stage(\d)_block(\d+)_", _timm_block),
        Rename(r"\.square_conv", ".token_mixer.dwconv_hw"),
        Rename(r"\.wide_conv", ".token_mixer.dwconv_w"),
        Rename(r"\.tall_conv", ".token_mixer.dwconv_h"),
        Rename(r"\.bn\.", ".norm."),
        Rename(r"\.pw(\d)_conv", r".mlp.fc\1"),
        Rename(r"\.scale\.weight", ".gamma"),
        Rename(r"^head\.", "head.fc2."),
        Rename(r"^head_hidden", "head.fc1"),
        Rename(r"^head_ln", "head.norm"),
    )
)

_ATTO = Config((2, 2, 6, 2), (40, 80, 160, 320), share=0.25, strip=9, drop_path=0.1)
_TINY = Config(drop_path=0.1)
_SMALL = replace(_TINY, blocks=(3, 3, 27, 3), drop_path=0.3)
_BASE = replace(_SMALL, widths=(128, 256, 512, 1024), drop_path=0.4)
#: size: configuration, timm's crop, trainable parameters, multiply-accumulates at
#: 224x224, top-1 of the authors' weights.
_TABLE = {
    "atto": (_ATTO, 0.875, 4_156_520, 503_035_040, 75.3),
    "tiny": (_TINY, 0.875, 28_055_680, 4_188_634_272, 82.3),
    "small": (_SMALL, 0.875, 49_374_016, 8_355_682_080, 83.5),
    "base": (_BASE, 0.95, 86_672_136, 14_841_072_000, 84.0),
}

FAMILY = Family(
    name="inception_next",
    body=body,
    head=head,
    paper=Paper(
        title="InceptionNeXt: When Inception Meets ConvNeXt",
        authors="Yu, Zhou, Yan, Wang",
        year=2023,
        url="https://arxiv.org/abs/2303.16900",
    ),
    input_shape=(224, 224, 3),
    variants={
        f"inception_next_{size}": Variant(
            config=config,
            reference=f"timm/inception_next_{size}",
            params=params,
            macs=macs,
            preprocessing=replace(IMAGENET, crop=crop, interpolation="bicubic"),
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=top1,
                    source="https://github.com/sail-sg/inceptionnext",
                ),
            ),
        )
        for size, (config, crop, params, macs, top1) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (1, 2), "widths": (24, 48), "expansions": (4, 3)},
)
