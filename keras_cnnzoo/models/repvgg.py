"""RepVGG: trained with residual branches, then fused into a plain stack of 3x3.

A model built with `fused=True` is that stack. `keras_cnnzoo.surgery.fuse(model)`
converts a trained model to it and merges the weights of its branches.
"""

import re
from dataclasses import dataclass

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.blocks.reparametrized import branched_conv
from keras_cnnzoo.cards import Claim, Family, Features, NameMap, Paper, Rename, Variant

__all__ = ["FAMILY", "Config", "body"]


@dataclass(frozen=True)
class Config:
    """Depth, width, and the training or the fused form.

    Attributes:
        blocks: Blocks of each stage. The first block of a stage halves the resolution.
        width: Multiplier of the channels of all stages but the last.
        last_width: Multiplier of the channels of the last stage.
        fused: Whether one convolution per block replaces the training branches.
    """

    blocks: tuple[int, ...]
    width: float
    last_width: float
    fused: bool = False


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, then stages of identical blocks: table 2 of the paper."""
    stem = min(64, int(64 * config.width))
    x = _block(x, stem, 2, config, name="stem")
    maps = {"stem": x}
    for s, blocks in enumerate(config.blocks, start=1):
        last = s == len(config.blocks)
        filters = int(32 * 2**s * (config.last_width if last else config.width))
        for b in range(1, blocks + 1):
            stride = 2 if b == 1 else 1
            x = _block(x, filters, stride, config, name=f"stage{s}_block{b}")
        maps[f"stage{s}"] = x
    return maps


def _block(
    x: KerasTensor, filters: int, stride: int, config: Config, *, name: str
) -> KerasTensor:
    x = branched_conv(x, filters, 3, stride=stride, fused=config.fused, name=name)
    return layers.ReLU(name=name)(x)


def _block_name(found: re.Match[str]) -> str:
    return f"stages.{int(found[1]) - 1}.{int(found[2]) - 1}."


_TIMM = NameMap(
    (
        Rename(r"^stem_", "stem."),
        Rename(r"^stage(\d)_block(\d+)_", _block_name),
        Rename(r"\.branch1_", ".conv_kxk."),
        Rename(r"\.point_", ".conv_1x1."),
        Rename(r"\.identity_bn", ".identity"),
        Rename(r"\.fused", ".reparam_conv"),
        Rename(r"^head", "head.fc"),
    )
)

_PAPER_PAGE = "https://arxiv.org/abs/2101.03697"
_A, _B = (2, 4, 14, 1), (4, 6, 16, 1)

#: name: blocks, widths, trainable parameters and multiply-accumulates of the training
#: form, the paper's top-1.
_TABLE = {
    "a0": (_A, 0.75, 2.5, 9_108_968, 1_512_581_120, 72.41),
    "a1": (_A, 1, 2.5, 14_092_264, 2_626_488_320, 74.46),
    "a2": (_A, 1.5, 2.75, 28_210_600, 5_685_345_280, 76.48),
    "b0": (_B, 1, 2.5, 15_817_960, 3_397_191_680, 75.14),
    "b1": (_B, 2, 4, 57_415_016, 13_128_089_600, 78.37),
    "b2": (_B, 2.5, 5, 89_022_376, 20_418_170_880, 78.78),
}

FAMILY = Family(
    name="repvgg",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="RepVGG: Making VGG-style ConvNets Great Again",
        authors="Ding, Zhang, Ma, Han, Ding, Sun",
        year=2021,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    variants={
        f"repvgg_{size}": Variant(
            config=Config(blocks, width, last_width),
            reference=f"timm/repvgg_{size}",
            params=params,
            macs=macs,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=top1,
                    source=f"{_PAPER_PAGE} table 4",
                ),
            ),
        )
        for size, (blocks, width, last_width, params, macs, top1) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": (2, 1)},
)
