"""Inception-v3: large kernels are factorised, into two 3x3 or into 1x7 and 7x1."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.branches import Branch, Conv, Fork, Pool, branches, pool3, unit
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.cards import (
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Preprocessing,
    Rename,
    Variant,
)


@dataclass(frozen=True)
class Config:
    """Number and width of the modules, and the auxiliary head.

    Attributes:
        pooled: Channels of the pooling branch in each module of stage 3.
        inner: Channels inside the 1x7 and 7x1 branches in each module of stage 4.
        last: Number of modules of stage 5.
        average: Average pooling inside the modules: "border" counts the zeros of the
            padding, as torchvision does; "avg" does not, as in TensorFlow and Keras.
        auxiliary: Whether the model has an auxiliary head, for training. It needs
            images of at least 299x299.
        dropout: Dropout rate before the classifier.
        bn_epsilon: Epsilon of every batch norm.
    """

    pooled: tuple[int, ...] = (32, 64, 64)
    inner: tuple[int, ...] = (128, 160, 160, 192)
    last: int = 2
    average: str = "border"
    auxiliary: bool = False
    dropout: float = 0.5
    bn_epsilon: float = 1e-3


def body(x: KerasTensor, config: Config) -> Features:
    """Five convolutions, mostly without padding, then three stages of modules.

    The second and the third of these stages begin with a module that halves the
    resolution.
    """
    bn = {"epsilon": config.bn_epsilon}
    x = small_stem(x, bn)
    maps = {"stem": x}
    x = small_stage2(x, bn)
    maps["stage2"] = x
    x = pool3(x, Pool("max", 2), name="stage2_pool")
    stages = (
        [_fives(pooled, config.average) for pooled in config.pooled],
        [_HALVE_TO_STAGE4, *(_sevens(n, config.average) for n in config.inner)],
        [_HALVE_TO_STAGE5, *[_threes(config.average)] * config.last],
    )
    for s, modules in enumerate(stages, start=3):
        for b, module in enumerate(modules, start=1):
            x = branches(x, module, bn=bn, name=f"stage{s}_block{b}")
        maps[f"stage{s}"] = x
    return maps


def small_stem(x: KerasTensor, bn: Mapping[str, float] | None) -> KerasTensor:
    """Three 3x3 convolutions, the first with a stride."""
    x = unit(x, Conv(32, 3, 2), bn=bn, name="stem1")
    x = unit(x, Conv(32, 3, padding="valid"), bn=bn, name="stem2")
    return unit(x, Conv(64, 3), bn=bn, name="stem3")


def small_stage2(x: KerasTensor, bn: Mapping[str, float] | None) -> KerasTensor:
    """Max pooling, a 1x1 and a 3x3."""
    x = pool3(x, Pool("max", 2), name="stem_pool")
    x = unit(x, Conv(80, 1), bn=bn, name="stage2_block1")
    return unit(x, Conv(192, 3, padding="valid"), bn=bn, name="stage2_block2")


def _fives(pooled: int, average: str) -> Sequence[Branch]:
    """Figure 5: a 5x5 in one branch, two 3x3 in another."""
    return (
        (Conv(64, 1),),
        (Conv(48, 1), Conv(64, 5)),
        (Conv(64, 1), Conv(96, 3), Conv(96, 3)),
        (Pool(average), Conv(pooled, 1)),
    )


def _sevens(inner: int, average: str) -> Sequence[Branch]:
    """Figure 6: a 7x7 factorised into 1x7 and 7x1, once and twice."""
    wide, tall = (1, 7), (7, 1)
    return (
        (Conv(192, 1),),
        (Conv(inner, 1), Conv(inner, wide), Conv(192, tall)),
        (
            Conv(inner, 1),
            Conv(inner, tall),
            Conv(inner, wide),
            Conv(inner, tall),
            Conv(192, wide),
        ),
        (Pool(average), Conv(192, 1)),
    )


def _threes(average: str) -> Sequence[Branch]:
    """Figure 7: branches that end in a 1x3 and a 3x1 in parallel."""
    both = Fork((Conv(384, (1, 3)), Conv(384, (3, 1))))
    return (
        (Conv(320, 1),),
        (Conv(384, 1), both),
        (Conv(448, 1), Conv(384, 3), both),
        (Pool(average), Conv(192, 1)),
    )


#: Figure 10: strided convolutions in parallel with pooling.
_HALVE_TO_STAGE4 = (
    (Conv(384, 3, 2),),
    (Conv(64, 1), Conv(96, 3), Conv(96, 3, 2)),
    (Pool("max", 2),),
)
_HALVE_TO_STAGE5 = (
    (Conv(192, 1), Conv(320, 3, 2)),
    (Conv(192, 1), Conv(192, (1, 7)), Conv(192, (7, 1)), Conv(192, 3, 2)),
    (Pool("max", 2),),
)


@on_last_map
def head(x: KerasTensor, config: Any, *, classes: int, activation: Any) -> KerasTensor:
    """Global average pooling, dropout and one linear layer."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    return logits(x, classes, activation=activation)


def auxiliary(
    maps: Features, config: Config, *, classes: int, activation: Any
) -> Features:
    """Figure 8: a classifier on stage 4, which acts mainly as a regulariser."""
    bn = {"epsilon": config.bn_epsilon}
    x = layers.AveragePooling2D(5, 3, name="aux_pool")(maps["stage4"])
    x = unit(x, Conv(128, 1), bn=bn, name="aux_step1")
    x = unit(x, Conv(768, 5, padding="valid"), bn=bn, name="aux_step2")
    x = layers.GlobalAveragePooling2D(name="aux_average")(x)
    return {"aux": logits(x, classes, activation=activation, name="aux")}


#: torchvision's names of the branches, by our modules. After a name that ends in "_" it
#: counts the steps.
_BRANCHES = {
    r"stage3_block\d+": ("1x1", "5x5_", "3x3dbl_", "_pool"),
    r"stage4_block1": ("3x3", "3x3dbl_"),
    r"stage4_block\d+": ("1x1", "7x7_", "7x7dbl_", "_pool"),
    r"stage5_block1": ("3x3_", "7x7x3_"),
    r"stage5_block\d+": ("1x1", "3x3_", "3x3dbl_", "_pool"),
}


def _mixed(found: re.Match[str]) -> str:
    """Name a module as the authors do, 5b to 7c."""
    letters = "bcdefghij" if found[1] == "3" else "abcdefghij"
    return f"Mixed_{int(found[1]) + 2}{letters[int(found[2]) - 1]}."


_TORCHVISION = NameMap(
    (
        *(
            Rename(
                rf"^({module})_branch{number}_step(\w+)_(conv|bn)",
                rf"\1.branch{name}\2.\3" if name[-1] == "_" else rf"\1.branch{name}.\3",
            )
            for module, names in _BRANCHES.items()
            for number, name in enumerate(names, start=1)
        ),
        Rename(r"^stage([345])_block(\d+)\.", _mixed),
        Rename(r"^stem1_", "Conv2d_1a_3x3."),
        Rename(r"^stem2_", "Conv2d_2a_3x3."),
        Rename(r"^stem3_", "Conv2d_2b_3x3."),
        Rename(r"^stage2_block1_", "Conv2d_3b_1x1."),
        Rename(r"^stage2_block2_", "Conv2d_4a_3x3."),
        Rename(r"^aux_step1_", "AuxLogits.conv0."),
        Rename(r"^aux_step2_", "AuxLogits.conv1."),
        Rename(r"^aux\.", "AuxLogits.fc."),
        Rename(r"^head", "fc"),
    )
)

#: Pixels scaled to -1..1, as for Google's networks.
SIGNED = Preprocessing(mean=(127.5,) * 3, std=(127.5,) * 3, crop=299 / 342)
_PAPER_PAGE = "https://arxiv.org/abs/1512.00567"

FAMILY = Family(
    name="inception_v3",
    body=body,
    head=head,
    auxiliary=auxiliary,
    paper=Paper(
        title="Rethinking the Inception Architecture for Computer Vision",
        authors="Szegedy, Vanhoucke, Ioffe, Shlens, Wojna",
        year=2015,
        url=_PAPER_PAGE,
    ),
    input_shape=(299, 299, 3),
    preprocessing=SIGNED,
    variants={
        "inception_v3": Variant(
            config=Config(),
            reference="torchvision/inception_v3",
            twins=("timm/inception_v3",),
            params=23_834_568,
            macs=5_713_216_096,
            claims=(
                Claim(
                    metric="ImageNet val top-1 error %, 1 crop",
                    value=21.2,
                    source=f"{_PAPER_PAGE} abstract",
                ),
            ),
            deviations=(
                "The sizes of the branches are from the authors' code; the paper "
                "gives only their outlines.",
                "Average pooling inside modules counts the zeros of its padding, as "
                "in torchvision; in the authors' code it does not.",
            ),
        ),
    },
    name_maps={"torchvision": _TORCHVISION},
    sketch={"pooled": (32,), "inner": (128,), "last": 1},
)
