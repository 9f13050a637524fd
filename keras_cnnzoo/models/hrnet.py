"""HRNet: parallel branches of four resolutions, which exchange their features.

Most networks reduce the resolution step by step. HRNet keeps a feature map of high
resolution to the end, for tasks that need positions, such as segmentation. The feature
maps `stage1` to `stage4` are the four resolutions of the last stage. The height and
width of images must be multiples of 32.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import batch_norm, conv, conv_bn
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


@dataclass(frozen=True)
class Config:
    """Width, and the number of exchanges between resolutions.

    Attributes:
        width: Channels at the highest resolution; each lower one has twice as many.
        modules: Exchanges in the stages of two, three and four resolutions.
        blocks: Residual blocks before each exchange, and in the first stage.
        head: Channels inside the head's bottlenecks, from the highest resolution to the
            lowest; each bottleneck returns four times as many.
        top: Channels of the last feature map.
    """

    width: int = 18
    modules: tuple[int, int, int] = (1, 4, 3)
    blocks: int = 4
    head: tuple[int, int, int, int] = (32, 64, 128, 256)
    top: int = 2048


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, bottlenecks, stages of two, three and four resolutions, then all joined."""
    x = conv_bn(x, 64, 3, stride=2, name="stem")
    maps = {"stem": x}
    x = conv_bn(x, 64, 3, stride=2, name="stem2")
    for b in range(1, config.blocks + 1):
        x = _bottleneck(x, 64, name=f"stage1_block{b}")
    sizes = [x]
    for s, modules in enumerate(config.modules, start=2):
        sizes = _one_size_more(sizes, config, name=f"transition{s - 1}")
        for m in range(1, modules + 1):
            sizes = _module(sizes, config, name=f"stage{s}_module{m}")
    maps |= {f"stage{number}": x for number, x in enumerate(sizes, start=1)}
    maps["top"] = _join(sizes, config)
    return maps


def _one_size_more(
    sizes: list[KerasTensor], config: Config, *, name: str
) -> list[KerasTensor]:
    """Add a branch at half the lowest resolution; the first time, set the width."""
    if len(sizes) == 1:
        first = conv_bn(sizes[0], config.width, 3, name=f"{name}_branch1")
        kept = [first]
    else:
        kept = sizes
    new = conv_bn(
        sizes[-1],
        config.width * 2 ** len(kept),
        3,
        stride=2,
        name=f"{name}_branch{len(kept) + 1}",
    )
    return [*kept, new]


def _module(
    sizes: list[KerasTensor], config: Config, *, name: str
) -> list[KerasTensor]:
    """Apply residual blocks to each branch, then add all branches into each of them."""
    seen = []
    for number, x in enumerate(sizes, start=1):
        for b in range(1, config.blocks + 1):
            x = _basic(x, name=f"{name}_branch{number}_block{b}")
        seen.append(x)
    answers = []
    for to in range(1, len(seen) + 1):
        heard = [
            _send(
                x, channels(seen[to - 1]), begin, to, name=f"{name}_fuse{begin}to{to}"
            )
            for begin, x in enumerate(seen, start=1)
        ]
        x = layers.Add(name=f"{name}_fuse{to}_add")(heard)
        answers.append(layers.ReLU(name=f"{name}_fuse{to}")(x))
    return answers


def _send(
    x: KerasTensor, filters: int, begin: int, to: int, *, name: str
) -> KerasTensor:
    """Resize a feature map: strided 3x3s to go down, a 1x1 and upsampling to go up."""
    for step in range(begin, to):
        last = step == to - 1
        x = conv_bn(
            x,
            filters if last else channels(x),
            3,
            stride=2,
            activation=None if last else "relu",
            name=f"{name}_step{step - begin + 1}",
        )
    if begin > to:
        x = conv_bn(x, filters, 1, activation=None, name=name)
        x = layers.UpSampling2D(2 ** (begin - to), name=f"{name}_up")(x)
    return x


def _basic(x: KerasTensor, *, name: str) -> KerasTensor:
    """Two 3x3 with an identity shortcut."""
    y = conv_bn(x, channels(x), 3, name=f"{name}_step1")
    y = conv_bn(y, channels(x), 3, activation=None, name=f"{name}_step2")
    return add_shortcut(y, x, name=name)


def _bottleneck(x: KerasTensor, width: int, *, name: str) -> KerasTensor:
    """1x1, 3x3 and 1x1 with a shortcut."""
    y = conv_bn(x, width, 1, name=f"{name}_step1")
    y = conv_bn(y, width, 3, name=f"{name}_step2")
    y = conv_bn(y, 4 * width, 1, activation=None, name=f"{name}_step3")
    return add_shortcut(y, x, name=name)


def _join(sizes: list[KerasTensor], config: Config) -> KerasTensor:
    """Widen each resolution, and add the result of the higher ones to it."""
    x = None
    for number, (size, width) in enumerate(
        zip(sizes, config.head, strict=True), start=1
    ):
        y = _bottleneck(size, width, name=f"head_block{number}")
        if x is not None:
            x = _biased(x, 4 * width, 3, stride=2, name=f"head_down{number - 1}")
            y = layers.Add(name=f"head_add{number}")([y, x])
        x = y
    return _biased(x, config.top, 1, name="top")


def _biased(
    x: KerasTensor, filters: int, kernel: int, *, stride: int = 1, name: str
) -> KerasTensor:
    """Convolve with a bias, which the batch norm makes redundant, and activate."""
    x = conv(x, filters, kernel, stride=stride, name=f"{name}_conv")
    x = batch_norm(x, name=f"{name}_bn")
    return layers.ReLU(name=f"{name}_relu")(x)


def _less_one(template: str) -> Callable[[re.Match[str]], str]:
    """Fill the template's braces with the matched numbers, less one each."""

    def rename(found: re.Match[str]) -> str:
        return template.format(*(int(number) - 1 for number in found.groups()))

    return rename


def _fuse(found: re.Match[str]) -> str:
    begin, to, step = found.groups()
    chain = f"{int(step) - 1}." if step else ""
    return f"fuse_layers.{int(to) - 1}.{int(begin) - 1}.{chain}"


_TIMM = NameMap(
    (
        Rename(r"^stem_(conv|bn)", r"\g<1>1"),
        Rename(r"^stem2_(conv|bn)", r"\g<1>2"),
        Rename(r"^stage1_block(\d+)_", _less_one("layer1.{}.")),
        Rename(r"^(stage\d)_module", r"\1.module"),
        Rename(r"\bmodule(\d+)_", _less_one("{}.")),
        Rename(r"\bbranch(\d)_block(\d+)_", _less_one("branches.{}.{}.")),
        Rename(r"\bfuse(\d)to(\d)_(?:step(\d)_)?", _fuse),
        # The first transition makes two branches, later ones add a single branch.
        Rename(r"^transition1_branch1_", "transition1.0."),
        Rename(r"^(transition\d)_", r"\1."),
        Rename(r"\bbranch(\d)_", _less_one("{}.0.")),
        Rename(r"^head_block(\d)_", _less_one("incre_modules.{}.0.")),
        Rename(r"^head_down(\d)_", _less_one("downsamp_modules.{}.")),
        Rename(r"^top_", "final_layer."),
        Rename(r"\bstep(\d)_(conv|bn)", r"\2\1"),
        Rename(r"\bshortcut_", "downsample."),
        Rename(r"\.conv\.", ".0."),
        Rename(r"\.bn\.", ".1."),
        Rename(r"^head\.", "classifier."),
    )
)

#: name: width, trainable parameters, multiply-accumulates at 224x224.
_TABLE = {
    "hrnet_w18": (18, 21_299_004, 4_283_537_072),
    "hrnet_w32": (32, 41_232_680, 8_921_133_056),
    "hrnet_w48": (48, 77_469_864, 17_277_996_032),
}

FAMILY = Family(
    name="hrnet",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Deep High-Resolution Representation Learning for Visual Recognition",
        authors="Wang, Sun, Cheng, Jiang, Deng, Zhao, Liu, Mu, Tan, Wang, Liu, Xiao",
        year=2019,
        url="https://arxiv.org/abs/1908.07919",
    ),
    input_shape=(224, 224, 3),
    variants={
        name: Variant(
            config=Config(width),
            reference=f"timm/{name}",
            preprocessing=replace(IMAGENET, crop=0.95) if width == 18 else None,
            params=params,
            macs=macs,
        )
        for name, (width, params, macs) in _TABLE.items()
    },
    name_maps={"timm": _TIMM},
    sketch={"blocks": 1, "modules": (1, 1, 1)},
)
