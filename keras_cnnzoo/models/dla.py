"""DLA: the blocks of a stage are merged along a tree, so that all depths contribute.

Each node of the tree concatenates feature maps of different depths and mixes them by a
1x1 convolution. The height and width of images must be multiples of 32.
"""

import re
from dataclasses import dataclass, replace

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channel_axis, channels
from keras_cnnzoo.blocks.conv import conv_bn
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.blocks.shortcut import add_shortcut
from keras_cnnzoo.cards import Family, Features, NameMap, Paper, Rename, Variant


@dataclass(frozen=True)
class Config:
    """Depth of the trees, and the blocks at their leaves.

    Attributes:
        depths: Levels of each tree; a tree of n levels has `2**n` blocks.
        widths: Channels of the two convolutions before the trees, then of each tree.
        form: Kind of block: "basic", with two 3x3, or "bottleneck".
        cardinality: Groups of the 3x3 in a bottleneck.
        base_width: Channels of a group in a tree of 128 channels; others in proportion.
        root_shortcut: Whether a node adds the output of the last block to its own.
    """

    depths: tuple[int, ...]
    widths: tuple[int, ...]
    form: str = "bottleneck"
    cardinality: int = 1
    base_width: int = 64
    root_shortcut: bool = False


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, two convolutions, then trees that halve the resolution."""
    first, second, *widths = config.widths
    x = conv_bn(x, first, 7, name="stem")
    maps = {"stem": x}
    x = maps["stage1"] = conv_bn(x, first, 3, name="stage1")
    x = maps["stage2"] = conv_bn(x, second, 3, stride=2, name="stage2")
    plan = zip(config.depths, widths, strict=True)
    for s, (depth, width) in enumerate(plan, start=3):
        small = layers.MaxPooling2D(2, name=f"stage{s}_pool")(x)
        # No other tree comes before the first one, so it has no output to join.
        before = [] if s == 3 else [small]
        x = _tree(x, small, before, depth, width, config, stride=2, name=f"stage{s}")
        maps[f"stage{s}"] = x
    return maps


def _tree(
    x: KerasTensor,
    shortcut: KerasTensor,
    before: list[KerasTensor],
    depth: int,
    width: int,
    config: Config,
    *,
    stride: int = 1,
    name: str,
) -> KerasTensor:
    """Two smaller trees in sequence: hierarchical aggregation.

    Only the last node of a tree joins the feature maps in `before`, so that none is
    joined twice.
    """
    if depth == 1:
        first = _block(x, shortcut, width, config, stride=stride, name=f"{name}_block1")
        second = _block(first, first, width, config, name=f"{name}_block2")
        return _root([second, first, *before], config, name=f"{name}_root")
    smaller = (depth - 1, width, config)
    first = _tree(x, shortcut, [], *smaller, stride=stride, name=f"{name}_tree1")
    return _tree(first, first, [*before, first], *smaller, name=f"{name}_tree2")


def _block(
    x: KerasTensor,
    shortcut: KerasTensor,
    width: int,
    config: Config,
    *,
    stride: int = 1,
    name: str,
) -> KerasTensor:
    """Make a block around a `shortcut` that already has the output's resolution."""
    if config.form == "basic":
        y = conv_bn(x, width, 3, stride=stride, name=f"{name}_step1")
        y = conv_bn(y, width, 3, activation=None, name=f"{name}_step2")
    else:
        inner = width * config.base_width * config.cardinality // 128
        y = conv_bn(x, inner, 1, name=f"{name}_step1")
        y = conv_bn(
            y,
            inner,
            3,
            stride=stride,
            groups=config.cardinality,
            name=f"{name}_step2",
        )
        y = conv_bn(y, width, 1, activation=None, name=f"{name}_step3")
    return add_shortcut(y, shortcut, name=name)


def _root(seen: list[KerasTensor], config: Config, *, name: str) -> KerasTensor:
    """Concatenate the feature maps and mix them by a 1x1."""
    last = seen[0]
    y = layers.Concatenate(channel_axis(), name=f"{name}_join")(seen)
    y = conv_bn(y, channels(last), 1, activation=None, name=name)
    if config.root_shortcut:
        y = layers.Add(name=f"{name}_add")([y, last])
    return layers.ReLU(name=f"{name}_relu")(y)


def _timm_level(found: re.Match[str]) -> str:
    return f"level{int(found[1]) - 1}."


_TIMM = NameMap(
    (
        Rename(r"^stem_", "base_layer."),
        Rename(r"^stage(\d)_", _timm_level),
        Rename(r"^(base_layer|level\d)\.conv", r"\1.0"),
        Rename(r"^(base_layer|level\d)\.bn", r"\1.1"),
        Rename(r"tree(\d)_", r"tree\1."),
        Rename(r"block1_shortcut_conv", "project.0"),
        Rename(r"block1_shortcut_bn", "project.1"),
        Rename(r"block(\d)_step(\d)_(conv|bn)", r"tree\1.\3\2"),
        Rename(r"root_(conv|bn)", r"root.\1"),
        Rename(r"^head", "fc", rank=4),
    )
)

_NARROW = (16, 32, 64, 128, 256, 512)
_COMPACT = (16, 32, 64, 64, 128, 256)
_WIDE = (16, 32, 128, 256, 512, 1024)
_60 = Config((1, 2, 3, 1), _WIDE)
_102 = Config((1, 3, 4, 1), _WIDE, root_shortcut=True)
#: name: configuration, trainable parameters, multiply-accumulates at 224x224.
_TABLE = {
    "dla34": (Config((1, 2, 2, 1), _NARROW, "basic"), 15_742_104, 3_060_043_776),
    "dla46_c": (Config((1, 2, 2, 1), _COMPACT), 1_301_400, 574_269_440),
    "dla60": (_60, 22_036_632, 4_235_878_400),
    "dla60x": (replace(_60, cardinality=32, base_width=4), 17_352_344, 3_516_555_264),
    "dla102": (_102, 33_268_888, 7_164_551_168),
    "dla169": (replace(_102, depths=(2, 3, 5, 1)), 53_389_720, 11_557_560_320),
}

FAMILY = Family(
    name="dla",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Deep Layer Aggregation",
        authors="Yu, Wang, Shelhamer, Darrell",
        year=2017,
        url="https://arxiv.org/abs/1707.06484",
    ),
    input_shape=(224, 224, 3),
    variants={
        name: Variant(config=config, reference=f"timm/{name}", params=params, macs=macs)
        for name, (config, params, macs) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"depths": (1, 2), "widths": (16, 32, 32, 64)},
)
