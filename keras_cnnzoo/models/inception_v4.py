"""Inception-v4: more modules, identical within a stage, and a stem with branches."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from keras import KerasTensor

from keras_cnnzoo.blocks.branches import Conv, Fork, Pool, branches
from keras_cnnzoo.cards import Claim, Family, Features, NameMap, Paper, Rename, Variant
from keras_cnnzoo.models.inception_v3 import SIGNED, head, small_stem


@dataclass(frozen=True)
class Config:
    """Number of modules, and dropout.

    Attributes:
        modules: Modules of stages 3 to 5, after the one that halves the resolution.
        dropout: Dropout rate before the classifier.
        bn_epsilon: Epsilon of every batch norm.
    """

    modules: tuple[int, int, int] = (4, 7, 3)
    dropout: float = 0.2
    bn_epsilon: float = 1e-3


_WIDE, _TALL = (1, 7), (7, 1)
_HALVE = (Pool("max", 2),)
#: Figure 3: the rest of the stem, two modules of stage 2 and the first of stage 3.
_STEM = (
    (_HALVE, (Conv(96, 3, 2),)),
    (
        (Conv(64, 1), Conv(96, 3, padding="valid")),
        (
            Conv(64, 1),
            Conv(64, _WIDE),
            Conv(64, _TALL),
            Conv(96, 3, padding="valid"),
        ),
    ),
)
_HALVE_TO_STAGE3 = ((Conv(192, 3, 2),), _HALVE)
#: Figure 4, Inception-A.
_THREES = (
    (Conv(96, 1),),
    (Conv(64, 1), Conv(96, 3)),
    (Conv(64, 1), Conv(96, 3), Conv(96, 3)),
    (Pool("avg"), Conv(96, 1)),
)
#: Figure 7 with k, l, m, n of table 1.
_HALVE_TO_STAGE4 = (
    (Conv(384, 3, 2),),
    (Conv(192, 1), Conv(224, 3), Conv(256, 3, 2)),
    _HALVE,
)
#: Figure 5, Inception-B.
_SEVENS = (
    (Conv(384, 1),),
    (Conv(192, 1), Conv(224, _WIDE), Conv(256, _TALL)),
    (
        Conv(192, 1),
        Conv(192, _TALL),
        Conv(224, _WIDE),
        Conv(224, _TALL),
        Conv(256, _WIDE),
    ),
    (Pool("avg"), Conv(128, 1)),
)
#: Figure 8.
_HALVE_TO_STAGE5 = (
    (Conv(192, 1), Conv(192, 3, 2)),
    (Conv(256, 1), Conv(256, _WIDE), Conv(320, _TALL), Conv(320, 3, 2)),
    _HALVE,
)
#: Figure 6, Inception-C.
_FORKS = (
    (Conv(256, 1),),
    (Conv(384, 1), Fork((Conv(256, (1, 3)), Conv(256, (3, 1))))),
    (
        Conv(384, 1),
        Conv(448, (3, 1)),
        Conv(512, (1, 3)),
        Fork((Conv(256, (1, 3)), Conv(256, (3, 1)))),
    ),
    (Pool("avg"), Conv(256, 1)),
)


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, then stages of identical modules after one that halves the resolution."""
    bn = {"epsilon": config.bn_epsilon}
    x = small_stem(x, bn)
    maps = {"stem": x}
    three, four, five = config.modules
    stages = (
        _STEM,
        (_HALVE_TO_STAGE3, *[_THREES] * three),
        (_HALVE_TO_STAGE4, *[_SEVENS] * four),
        (_HALVE_TO_STAGE5, *[_FORKS] * five),
    )
    for s, modules in enumerate(stages, start=2):
        for b, module in enumerate(modules, start=1):
            x = branches(x, module, bn=bn, name=f"stage{s}_block{b}")
        maps[f"stage{s}"] = x
    return maps


def _branch(found: re.Match[str]) -> str:
    return f"_branch{int(found[1]) - 1}.{int(found[2]) - 1}."


def _forked(found: re.Match[str]) -> str:
    return f"{found[1]}{int(found[2]) - 1}_{int(found[3]) - 1}{found[4]}."


#: timm counts branches and their steps from 0, pooling included. A branch of a single
#: convolution has no step number.
BRANCHES = (
    Rename(r"^(stage(?!2_|5_block1_)\d_block\d+_)branch1_step1_", r"\1branch0."),
    Rename(r"_branch4_step1_", "_branch3.1."),
    Rename(r"_branch(\d)_step(\d)_", _branch),
)


def _timm(names: Sequence[str]) -> list[Rename]:
    """Count the modules as timm does, after the three convolutions of the stem."""
    found = (re.match(r"stage\d_block\d+_", name) for name in names)
    modules = dict.fromkeys(m[0] for m in found if m)
    return [
        *(Rename(rf"^stem{i}_", f"features.{i - 1}.") for i in (1, 2, 3)),
        # Modules of one convolution in parallel with pooling.
        Rename(r"^(stage2_block1_)branch2_step1_", r"\1conv."),
        Rename(r"^(stage3_block1_)branch1_step1_", r"\1conv."),
        Rename(
            r"^(stage5_block(?!1_)\d+_branch)([23])_step(\d)([ab]?)_",
            _forked,
        ),
        *BRANCHES,
        *(Rename(f"^{m}", f"features.{at}.") for at, m in enumerate(modules, start=3)),
        Rename(r"^head", "last_linear"),
    ]


PAPER = Paper(
    title="Inception-v4, Inception-ResNet and the Impact of Residual Connections on "
    "Learning",
    authors="Szegedy, Ioffe, Vanhoucke, Alemi",
    year=2016,
    url="https://arxiv.org/abs/1602.07261",
)

FAMILY = Family(
    name="inception_v4",
    body=body,
    head=head,
    paper=PAPER,
    input_shape=(299, 299, 3),
    preprocessing=replace(SIGNED, crop=0.875, interpolation="bicubic"),
    variants={
        "inception_v4": Variant(
            config=Config(),
            reference="timm/inception_v4",
            params=42_679_816,
            macs=12_253_974_624,
            claims=(
                Claim(
                    metric="ImageNet val (non-blacklisted) top-1 error %, 1 crop",
                    value=20.0,
                    source=f"{PAPER.url} table 2",
                ),
            ),
        ),
    },
    name_maps={"timm": NameMap(_timm)},
    sketch={"modules": (1, 1, 1)},
)
