"""ConvNeXt: a ResNet modernised with design choices of vision transformers.

Each block has a 7x7 depthwise convolution, one layer norm, one activation and an
inverted bottleneck.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, initializers, layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import conv, depthwise
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
from keras_cnnzoo.layers import DropPath, GlobalResponseNormalization, LayerScale


@dataclass(frozen=True)
class Config:
    """Depth, width, and the parts of a block.

    Attributes:
        blocks: Blocks of each stage. All stages but the first halve the resolution.
        widths: Channels of each stage.
        drop_path: Drop path rate of the last block. Rates grow linearly with depth,
            from 0 in the first block.
        layer_scale: Initial value of the factors that scale a block's output; None for
            no LayerScale.
        response_norm: Whether blocks have global response normalisation, as in V2.
        ln_epsilon: Epsilon of every layer norm.
    """

    blocks: tuple[int, ...] = (3, 3, 9, 3)
    widths: tuple[int, ...] = (96, 192, 384, 768)
    drop_path: float = 0.0
    layer_scale: float | None = 1e-6
    response_norm: bool = False
    ln_epsilon: float = 1e-6


def body(x: KerasTensor, config: Config) -> Features:
    """Embed 4x4 patches, then apply stages with a halved resolution between them."""
    maps = {}
    last = max(sum(config.blocks) - 1, 1)
    done = 0
    plan = zip(config.blocks, config.widths, strict=True)
    for s, (blocks, width) in enumerate(plan, start=1):
        if s == 1:
            x = _conv(x, width, 4, stride=4, padding="valid", name="stem_conv")
            x = _layer_norm(x, config, name="stem_ln")
            maps["stem"] = x
        else:
            name = f"stage{s}_down"
            x = _layer_norm(x, config, name=f"{name}_ln")
            x = _conv(x, width, 2, stride=2, padding="valid", name=f"{name}_conv")
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


def _conv(
    x: KerasTensor, filters: int, kernel: int, *, name: str, **kwargs: Any
) -> KerasTensor:
    return conv(x, filters, kernel, kernel_initializer=_start(), name=name, **kwargs)


def _layer_norm(x: KerasTensor, config: Config, *, name: str) -> KerasTensor:
    return layer_norm(x, epsilon=config.ln_epsilon, name=name)


def _block(
    x: KerasTensor, config: Config, *, drop_path: float, name: str
) -> KerasTensor:
    """Figure 4: depthwise 7x7, layer norm, a 1x1 to four times the width, and back."""
    width = channels(x)
    y = depthwise(
        x, 7, use_bias=True, depthwise_initializer=_start(), name=f"{name}_dw_conv"
    )
    y = _layer_norm(y, config, name=f"{name}_ln")
    y = _conv(y, 4 * width, 1, name=f"{name}_pw1_conv")
    y = layers.Activation("gelu", name=f"{name}_gelu")(y)
    if config.response_norm:
        y = GlobalResponseNormalization(name=f"{name}_grn")(y)
    y = _conv(y, width, 1, name=f"{name}_pw2_conv")
    if config.layer_scale is not None:
        y = LayerScale(config.layer_scale, name=f"{name}_scale")(y)
    if drop_path:
        y = DropPath(drop_path, name=f"{name}_drop_path")(y)
    return layers.Add(name=name)([x, y])


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, layer norm and one linear layer."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = _layer_norm(x, config, name="head_ln")
    return logits(x, classes, activation=activation, kernel_initializer=_start())


def _torchvision_block(found: re.Match[str]) -> str:
    return f"features.{2 * int(found[1]) - 1}.{int(found[2]) - 1}."


def _torchvision_down(found: re.Match[str]) -> str:
    return f"features.{2 * int(found[1]) - 2}."


def _timm_block(found: re.Match[str]) -> str:
    return f"stages.{int(found[1]) - 1}.blocks.{int(found[2]) - 1}."


def _timm_down(found: re.Match[str]) -> str:
    return f"stages.{int(found[1]) - 1}.downsample."


_BLOCK = r"^stage(\d)_block(\d+)_"
_DOWN = r"^stage(\d)_down_"
_TORCHVISION = NameMap(
    (
        Rename(r"^stem_conv", "features.0.0"),
        Rename(r"^stem_ln", "features.0.1"),
        Rename(_DOWN + "ln", lambda found: f"{_torchvision_down(found)}0"),
        Rename(_DOWN + "conv", lambda found: f"{_torchvision_down(found)}1"),
        Rename(_BLOCK, _torchvision_block),
        Rename(r"\.dw_conv", ".block.0"),
        Rename(r"\.ln\b", ".block.2"),
        Rename(r"\.pw1_conv", ".block.3", rank=2),
        Rename(r"\.pw2_conv", ".block.5", rank=2),
        Rename(r"\.scale\.weight", ".layer_scale", rank=3),
        Rename(r"^head_ln", "classifier.0"),
        Rename(r"^head\b", "classifier.2"),
    )
)


def timm_names(rank: int) -> tuple[Rename, ...]:
    """Map our names to timm's, where the kernels of 1x1 convolutions have this rank."""
    return (
        Rename(r"^stem_conv", "stem.0"),
        Rename(r"^stem_ln", "stem.1"),
        Rename(_DOWN + "ln", lambda found: f"{_timm_down(found)}0"),
        Rename(_DOWN + "conv", lambda found: f"{_timm_down(found)}1"),
        Rename(_BLOCK, _timm_block),
        Rename(r"\.dw_conv", ".conv_dw"),
        Rename(r"\.ln\.", ".norm."),
        Rename(r"\.pw(\d)_conv", r".mlp.fc\1", rank=rank),
        Rename(r"\.grn\.", ".mlp.grn."),
        Rename(r"\.scale\.weight", ".gamma"),
        Rename(r"^head_ln", "head.norm"),
        Rename(r"^head\.(weight|bias)", r"head.fc.\1"),
    )


_PAGE = "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models."
_PAPER_PAGE = "https://arxiv.org/abs/2201.03545"
_TOP1 = "ImageNet val top-1 accuracy %, 1 crop"

#: name: blocks of the third stage, channels of the first, drop path rate, image size
#: that torchvision crops from, trainable parameters, multiply-accumulates, top-1
#: accuracy of torchvision's weights and in the paper.
_TABLE = {
    "tiny": (9, 96, 0.1, 236, 28_589_128, 4_455_531_264, 82.520, 82.1),
    "small": (27, 96, 0.4, 230, 50_223_688, 8_683_712_256, 83.616, 83.1),
    "base": (27, 128, 0.5, 232, 88_591_464, 15_354_729_472, 84.062, 83.8),
    "large": (27, 192, 0.5, 232, 197_767_336, 34_361_433_600, 84.414, 84.3),
}


def _variant(size: str) -> Variant:
    blocks, width, drop_path, side, params, macs, torchvision, paper = _TABLE[size]
    name = f"convnext_{size}"
    return Variant(
        config=Config(
            blocks=(3, 3, blocks, 3),
            widths=(width, 2 * width, 4 * width, 8 * width),
            drop_path=drop_path,
        ),
        reference=f"torchvision/{name}",
        twins=(f"timm/{name}",),
        params=params,
        macs=macs,
        preprocessing=replace(IMAGENET, crop=224 / side),
        claims=(
            Claim(metric=_TOP1, value=torchvision, source=f"{_PAGE}{name}.html"),
            Claim(metric=_TOP1, value=paper, source=f"{_PAPER_PAGE} table 1"),
        ),
    )


FAMILY = Family(
    name="convnext",
    body=body,
    head=head,
    paper=Paper(
        title="A ConvNet for the 2020s",
        authors="Liu, Mao, Wu, Feichtenhofer, Darrell, Xie",
        year=2022,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    variants={f"convnext_{size}": _variant(size) for size in _TABLE},
    name_maps={"torchvision": _TORCHVISION, "timm": NameMap(timm_names(rank=2))},
    sketch={"blocks": (1, 2), "widths": (24, 48)},
)
