"""ConvMixer: depthwise and 1x1 convolutions in turn on patches, at one resolution."""

import re
from dataclasses import dataclass, replace

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import batch_norm, conv, depthwise
from keras_cnnzoo.blocks.heads import average_classifier
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


@dataclass(frozen=True)
class Config:
    """Width, depth, kernels and activation.

    Attributes:
        width: Channels, the same in all layers.
        blocks: Pairs of a depthwise and a 1x1 convolution.
        kernel: Kernel size of the depthwise convolutions.
        patch: Height and width of the patches that the image is cut into.
        activation: Activation after every convolution, before its batch norm.
    """

    width: int
    blocks: int
    kernel: int
    patch: int = 7
    activation: str = "gelu"


def body(x: KerasTensor, config: Config) -> Features:
    """Embed patches, then repeat identical blocks: figure 2 of the paper."""
    patch, width = config.patch, config.width
    x = conv(x, width, patch, stride=patch, padding="valid", name="stem_conv")
    x = _activate(x, config, name="stem")
    maps = {"stem": x}
    for b in range(1, config.blocks + 1):
        name = f"stage1_block{b}"
        y = depthwise(x, config.kernel, use_bias=True, name=f"{name}_dw_conv")
        y = _activate(y, config, name=f"{name}_dw")
        x = layers.Add(name=f"{name}_add")([x, y])
        x = conv(x, width, 1, name=f"{name}_pw_conv")
        x = _activate(x, config, name=f"{name}_pw")
    maps["stage1"] = x
    return maps


def _activate(x: KerasTensor, config: Config, *, name: str) -> KerasTensor:
    x = layers.Activation(config.activation, name=f"{name}_{config.activation}")(x)
    return batch_norm(x, name=f"{name}_bn")


def _timm_block(found: re.Match[str]) -> str:
    return f"blocks.{int(found[1]) - 1}."


_TIMM = NameMap(
    (
        Rename(r"^stem_conv", "stem.0"),
        Rename(r"^stem_bn", "stem.2"),
        Rename(r"^stage1_block(\d+)_", _timm_block),
        Rename(r"\.dw_conv", ".0.fn.0"),
        Rename(r"\.dw_bn", ".0.fn.2"),
        Rename(r"\.pw_conv", ".1"),
        Rename(r"\.pw_bn", ".3"),
    )
)

_PAPER_PAGE = "https://arxiv.org/abs/2201.09792"

#: name: configuration, trainable parameters, multiply-accumulates, the paper's top-1.
_TABLE = {
    "convmixer_768_32": (
        Config(768, 32, 7, activation="relu"),
        21_110_248,
        20_676_851_712,
        80.16,
    ),
    "convmixer_1536_20": (
        Config(1536, 20, 9),
        51_625_960,
        51_099_168_768,
        81.37,
    ),
}

FAMILY = Family(
    name="convmixer",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Patches Are All You Need?",
        authors="Trockman, Kolter",
        year=2022,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    preprocessing=replace(IMAGENET, interpolation="bicubic", crop=0.96),
    variants={
        name: Variant(
            config=config,
            reference=f"timm/{name}",
            params=params,
            macs=macs,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=top1,
                    source=f"{_PAPER_PAGE} table 1",
                ),
            ),
        )
        for name, (config, params, macs, top1) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": 2, "width": 48},
)
