"""BN-Inception (Inception-v2): GoogLeNet with batch norm and two 3x3 for each 5x5.

Batch normalisation was introduced with this network.
"""

from dataclasses import dataclass

from keras import KerasTensor

from keras_cnnzoo.blocks.branches import Branch, Conv, Pool, branches, pool3, unit
from keras_cnnzoo.blocks.conv import depthwise
from keras_cnnzoo.blocks.heads import average_classifier
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

#: Figure 5 of the paper, by stage from 3 on: channels of the 1x1; of the 3x3's
#: reduction and the 3x3; of the double 3x3's reduction and the double 3x3; the kind of
#: pooling, and the channels of its 1x1. A module without the first and the last 1x1
#: halves the resolution.
STAGES = (
    (
        (64, 64, 64, 64, 96, "avg", 32),
        (64, 64, 96, 64, 96, "avg", 64),
    ),
    (
        (0, 128, 160, 64, 96, "max", 0),
        (224, 64, 96, 96, 128, "avg", 128),
        (192, 96, 128, 96, 128, "avg", 128),
        (160, 128, 160, 128, 160, "avg", 96),
        (96, 128, 192, 160, 192, "avg", 96),
    ),
    (
        (0, 128, 192, 192, 256, "max", 0),
        (352, 192, 320, 160, 224, "avg", 128),
        (352, 192, 320, 192, 224, "max", 128),
    ),
)
Module = tuple[int, int, int, int, int, str, int]


@dataclass(frozen=True)
class Config:
    """The modules and their batch norm.

    Attributes:
        stages: Channels of the branches of each module, as in `STAGES`.
        bn_epsilon: Epsilon of every batch norm.
    """

    stages: tuple[tuple[Module, ...], ...] = STAGES
    bn_epsilon: float = 1e-3


def body(x: KerasTensor, config: Config) -> Features:
    """Stem of a separable 7x7, two more convolutions, then three stages of modules."""
    bn = {"epsilon": config.bn_epsilon}
    # Eight channels from each colour, which a 1x1 then mixes.
    x = depthwise(
        x, 7, stride=2, padding="same", depth_multiplier=8, name="stem_depthwise"
    )
    x = unit(x, Conv(64, 1), bn=bn, name="stem")
    maps = {"stem": x}
    x = pool3(x, Pool("max", 2, "same"), name="stem_pool")
    x = unit(x, Conv(64, 1), bn=bn, name="stage2_reduce")
    x = unit(x, Conv(192, 3), bn=bn, name="stage2")
    maps["stage2"] = x
    x = pool3(x, Pool("max", 2, "same"), name="stage2_pool")
    for s, modules in enumerate(config.stages, start=3):
        for b, sizes in enumerate(modules, start=1):
            x = branches(x, _module(*sizes), bn=bn, name=f"stage{s}_block{b}")
        maps[f"stage{s}"] = x
    return maps


def _module(
    one: int, reduce3: int, three: int, reduce5: int, five: int, pool: str, pooled: int
) -> tuple[Branch, ...]:
    """Parallel branches: 1x1, 3x3, two 3x3 in place of a 5x5, and pooling."""
    stride = 1 if one else 2
    tail: Branch = (Conv(pooled, 1),) if pooled else ()
    own: tuple[Branch, ...] = ((Conv(one, 1),),) if one else ()
    return (
        *own,
        (Conv(reduce3, 1), Conv(three, 3, stride, "same")),
        (Conv(reduce5, 1), Conv(five, 3), Conv(five, 3, stride, "same")),
        (Pool(pool, stride, "same"), *tail),
    )


_PAPER = NameMap(
    (
        Rename(r"^stage(\d)_block(\d+)_branch(\d)_step(\d)_", r"inception\1.\2.\3.\4."),
        Rename(r"^stem_depthwise", "stem.depthwise"),
        Rename(r"^stem_", "stem."),
        Rename(r"^stage2_reduce_", "conv2_reduce."),
        Rename(r"^stage2_", "conv2."),
        Rename(r"^head", "classifier"),
    )
)
_PAPER_PAGE = "https://arxiv.org/abs/1502.03167"

FAMILY = Family(
    name="bn_inception",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Batch Normalization: Accelerating Deep Network Training by Reducing "
        "Internal Covariate Shift",
        authors="Ioffe, Szegedy",
        year=2015,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    # The preprocessing of the authors' code.
    preprocessing=Preprocessing(mean=(127.5,) * 3, std=(127.5,) * 3, crop=0.875),
    variants={
        "bn_inception": Variant(
            config=Config(),
            params=11_188_288,
            macs=1_934_857_216,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=74.8,
                    source=f"{_PAPER_PAGE} figure 3, BN-x30",
                ),
            ),
        ),
    },
    name_maps={"paper": _PAPER},
    sketch={"stages": (STAGES[0][:1], STAGES[1][:2], STAGES[2][::2])},
    deviations=(
        "Modules 4c and 4d have 96 channels after their pooling, as in the authors' "
        "code; with the 128 in the paper's table, the branches would not add up to "
        "the output channels that the same table states.",
    ),
)
