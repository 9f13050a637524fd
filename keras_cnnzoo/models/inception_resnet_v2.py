"""Inception-ResNet-v2: residual Inception modules with scaled outputs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.branches import Branch, Conv, Pool, branches, pool3, unit
from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.cards import Claim, Family, Features, NameMap, Rename, Variant
from keras_cnnzoo.models.inception_v3 import SIGNED, head, small_stage2, small_stem
from keras_cnnzoo.models.inception_v4 import BRANCHES, PAPER


@dataclass(frozen=True)
class Config:
    """Number of modules, and the scale of their outputs.

    Attributes:
        modules: Residual modules of stages 3 to 5, after each stage's first module.
        scale: Factor of their outputs before the addition, by stage.
        dropout: Dropout rate before the classifier.
        bn_epsilon: Epsilon of every batch norm.
    """

    modules: tuple[int, int, int] = (10, 20, 10)
    scale: tuple[float, float, float] = (0.17, 0.10, 0.20)
    dropout: float = 0.2
    bn_epsilon: float = 1e-3


_HALVE = (Pool("max", 2),)
#: The first modules of stages 3 to 5; that of stage 3 keeps the resolution.
_FIRST: tuple[tuple[Branch, ...], ...] = (
    (
        (Conv(96, 1),),
        (Conv(48, 1), Conv(64, 5)),
        (Conv(64, 1), Conv(96, 3), Conv(96, 3)),
        (Pool("avg"), Conv(64, 1)),
    ),
    (
        (Conv(384, 3, 2),),
        (Conv(256, 1), Conv(256, 3), Conv(384, 3, 2)),
        _HALVE,
    ),
    (
        (Conv(256, 1), Conv(384, 3, 2)),
        (Conv(256, 1), Conv(288, 3, 2)),
        (Conv(256, 1), Conv(288, 3), Conv(320, 3, 2)),
        _HALVE,
    ),
)
#: Figures 16, 17 and 19: the branches of the residual modules.
_REPEATED: tuple[tuple[Branch, ...], ...] = (
    (
        (Conv(32, 1),),
        (Conv(32, 1), Conv(32, 3)),
        (Conv(32, 1), Conv(48, 3), Conv(64, 3)),
    ),
    (
        (Conv(192, 1),),
        (Conv(128, 1), Conv(160, (1, 7)), Conv(192, (7, 1))),
    ),
    (
        (Conv(192, 1),),
        (Conv(192, 1), Conv(224, (1, 3)), Conv(256, (3, 1))),
    ),
)


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, three stages of residual modules, and a 1x1.

    The output of the very last module is not scaled, and no ReLU follows it.
    """
    bn = {"epsilon": config.bn_epsilon}
    x = small_stem(x, bn)
    maps = {"stem": x}
    x = small_stage2(x, bn)
    maps["stage2"] = x
    x = pool3(x, Pool("max", 2), name="stage2_pool")
    for i, repeats in enumerate(config.modules):
        s = i + 3
        x = branches(x, _FIRST[i], bn=bn, name=f"stage{s}_block1")
        for b in range(2, repeats + 2):
            name = f"stage{s}_block{b}"
            y = branches(x, _REPEATED[i], bn=bn, join="_join", name=name)
            y = conv(y, channels(x), 1, name=f"{name}_conv")
            linear = s == 5 and b == repeats + 1
            if not linear:
                y = layers.Rescaling(config.scale[i], name=f"{name}_scale")(y)
            x = layers.Add(name=name)([x, y])
            if not linear:
                x = layers.ReLU(name=f"{name}_relu")(x)
        maps[f"stage{s}"] = x
    maps["top"] = unit(x, Conv(1536, 1), bn=bn, name="top")
    return maps


def _timm(names: Sequence[str]) -> list[Rename]:
    """Name the modules as in timm, where the last one has a name of its own."""
    found = (re.match(r"stage5_block(\d+)_", name) for name in names)
    last = max(int(m[1]) for m in found if m)

    def repeated(found: re.Match[str]) -> str:
        name = {"3": "repeat", "4": "repeat_1", "5": "repeat_2"}[found[1]]
        return f"{name}.{int(found[2]) - 2}."

    return [
        *BRANCHES,
        Rename(r"^(stage[345]_block\d+_)conv\b", r"\1conv2d"),
        Rename(r"^stage3_block1_", "mixed_5b."),
        Rename(r"^stage4_block1_", "mixed_6a."),
        Rename(r"^stage5_block1_", "mixed_7a."),
        Rename(rf"^stage5_block{last}_", "block8."),
        Rename(r"^stage([345])_block(\d+)_", repeated),
        Rename(r"^stem1_", "conv2d_1a."),
        Rename(r"^stem2_", "conv2d_2a."),
        Rename(r"^stem3_", "conv2d_2b."),
        Rename(r"^stage2_block1_", "conv2d_3b."),
        Rename(r"^stage2_block2_", "conv2d_4a."),
        Rename(r"^top_", "conv2d_7b."),
        Rename(r"^head", "classif"),
    ]


FAMILY = Family(
    name="inception_resnet_v2",
    body=body,
    head=head,
    paper=PAPER,
    input_shape=(299, 299, 3),
    preprocessing=replace(SIGNED, crop=0.8975, interpolation="bicubic"),
    variants={
        "inception_resnet_v2": Variant(
            config=Config(),
            reference="timm/inception_resnet_v2",
            params=55_843_464,
            macs=13_155_794_016,
            claims=(
                Claim(
                    metric="ImageNet val (non-blacklisted) top-1 error %, 1 crop",
                    value=19.9,
                    source=f"{PAPER.url} table 2",
                ),
            ),
        ),
    },
    name_maps={"timm": NameMap(_timm)},
    sketch={"modules": (1, 1, 2)},
    deviations=(
        "As in the authors' code, the stem is Inception-v3's, stage 3 begins with a "
        "module that keeps the resolution, and the stages have 10, 20 and 10 residual "
        "modules; the paper shows Inception-v4's stem, and 5, 10 and 5 modules.",
        "The last module's output is not scaled and no ReLU follows it; a 1x1 "
        "convolution to 1,536 channels comes next. Both are as in the authors' code.",
    ),
)
