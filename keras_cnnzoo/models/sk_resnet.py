"""SK-ResNet: each channel weighs two kernel sizes, depending on the input."""

import re
from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, layers, ops

from keras_cnnzoo.axes import channel_axis
from keras_cnnzoo.blocks.conv import conv_bn
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.blocks.shortcut import add_shortcut
from keras_cnnzoo.cards import (
    IMAGENET,
    Family,
    Features,
    NameMap,
    Paper,
    Rename,
    Variant,
)
from keras_cnnzoo.layers import PaddedMaxPooling2D, SplitAttention
from keras_cnnzoo.layers.attention import round_to


@dataclass(frozen=True)
class Config:
    """Depth, the kind of block, and the selective kernels.

    Attributes:
        blocks: Blocks of each stage.
        body: Kind of block: "basic", with selective kernels in its first convolution,
            or "bottleneck", with selective kernels in its second.
        groups: Groups of the two selective convolutions.
        base_width: Channels of each group of a bottleneck's selective convolutions in
            the first stage; each further stage doubles them.
        split: Whether each of the two kernels convolves its own half of the channels.
        ratio: Hidden units of the attention as a share of the channels.
        divisor: The hidden units are a multiple of this.
    """

    blocks: tuple[int, ...]
    body: str = "bottleneck"
    groups: int = 1
    base_width: int = 64
    split: bool = True
    ratio: float = 1 / 16
    divisor: int = 8


def body(x: KerasTensor, config: Config) -> Features:
    """ResNet's stem, then stages that halve the resolution and double the width."""
    x = conv_bn(x, 64, 7, stride=2, name="stem")
    maps = {"stem": x}
    x = PaddedMaxPooling2D(3, 2, padding=1, name="stem_pool")(x)
    for s, blocks in enumerate(config.blocks, start=1):
        for b in range(1, blocks + 1):
            x = _block(
                x,
                32 * 2**s,
                config,
                stride=2 if s > 1 and b == 1 else 1,
                name=f"stage{s}_block{b}",
            )
        maps[f"stage{s}"] = x
    return maps


def _block(
    x: KerasTensor, planes: int, config: Config, *, stride: int, name: str
) -> KerasTensor:
    """Make a residual block; one of its 3x3 convolutions has selective kernels."""
    if config.body == "basic":
        y = _choose(x, planes, config, stride=stride, name=f"{name}_step1")
        y = conv_bn(y, planes, 3, activation=None, name=f"{name}_step2")
    else:
        width = planes * config.base_width // 64 * config.groups
        y = conv_bn(x, width, 1, name=f"{name}_step1")
        y = _choose(y, width, config, stride=stride, name=f"{name}_step2")
        y = conv_bn(y, 4 * planes, 1, activation=None, name=f"{name}_step3")
    return add_shortcut(y, x, stride=stride, name=name)


def _choose(
    x: KerasTensor, filters: int, config: Config, *, stride: int, name: str
) -> KerasTensor:
    """Compute a 3x3 and a 3x3 dilated by 2, and weigh them: split, fuse and select."""
    near, far = ops.split(x, 2, axis=channel_axis()) if config.split else (x, x)
    shape: dict[str, Any] = {"filters": filters, "kernel": 3, "groups": config.groups}
    near = conv_bn(near, stride=stride, name=f"{name}_path1", **shape)
    if stride > 1:
        # With stride and dilation both 2, a kernel uses only every second pixel.
        far = layers.MaxPooling2D(1, stride, name=f"{name}_path2_subsample")(far)
        far = conv_bn(far, name=f"{name}_path2", **shape)
    else:
        far = conv_bn(far, dilation_rate=2, name=f"{name}_path2", **shape)
    both = layers.Concatenate(channel_axis(), name=f"{name}_paths")([near, far])
    hidden = round_to(filters * config.ratio, config.divisor)
    return SplitAttention(2, hidden, use_bias=False, name=f"{name}_attention")(both)


def _timm_block(found: re.Match[str]) -> str:
    return f"layer{found[1]}.{int(found[2]) - 1}."


def _timm_path(found: re.Match[str]) -> str:
    return f".paths.{int(found[1]) - 1}."


_TIMM = NameMap(
    (
        Rename(r"^stem_(conv|bn)", r"\g<1>1"),
        Rename(r"^stage(\d+)_block(\d+)_", _timm_block),
        Rename(r"\bstep(\d)_(conv|bn)", r"conv\1.\2"),
        Rename(r"\bstep(\d)_", r"conv\1_"),
        Rename(r"_path(\d)_", _timm_path),
        Rename(r"_attention\.bn", ".attn.bn"),
        Rename(r"_attention\.fc1", ".attn.fc_reduce", rank=4),
        Rename(r"_attention\.fc2", ".attn.fc_select", rank=4),
        Rename(r"\bshortcut_conv", "downsample.0"),
        Rename(r"\bshortcut_bn", "downsample.1"),
        Rename(r"^head", "fc"),
    )
)

#: name: timm's name, configuration, trainable parameters, multiply-accumulates at
#: 224x224.
_TABLE = {
    "sk_resnet18": (
        "skresnet18",
        Config((2, 2, 2, 2), "basic", ratio=1 / 8, divisor=16),
        11_958_056,
        1_814_337_536,
    ),
    "sk_resnet50": ("skresnet50", Config((3, 4, 6, 3)), 25_803_160, 4_089_422_336),
    # The paper's own network.
    "sk_resnext50_32x4d": (
        "skresnext50_32x4d",
        Config((3, 4, 6, 3), groups=32, base_width=4, split=False, divisor=32),
        27_479_784,
        4_462_710_784,
    ),
}
_SPLIT = (
    "In the paper, both kernels see all channels, in 32 groups; here, as in timm, "
    "each sees its own half of the channels."
)

FAMILY = Family(
    name="sk_resnet",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Selective Kernel Networks",
        authors="Li, Wang, Hu, Yang",
        year=2019,
        url="https://arxiv.org/abs/1903.06586",
    ),
    input_shape=(224, 224, 3),
    preprocessing=replace(IMAGENET, interpolation="bicubic"),
    variants={
        name: Variant(
            config=config,
            reference=f"timm/{timm}",
            params=params,
            macs=macs,
            deviations=(_SPLIT,) if config.split else (),
        )
        for name, (timm, config, params, macs) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (1, 2)},
)
