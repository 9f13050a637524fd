"""GoogLeNet: Inception modules of four parallel branches.

`googlenet` is torchvision's version, with batch norm, and 3x3 convolutions where the
paper has 5x5. `googlenet_paper` is the paper's version, without batch norm.
"""

import re
from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels, image_shape
from keras_cnnzoo.blocks.branches import Conv, Pool, branches, unit
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
from keras_cnnzoo.layers import (
    AdaptivePooling2D,
    LocalResponseNormalization,
    PaddedMaxPooling2D,
)

#: Table 1 of the paper, by stage from 3 on: channels of the 1x1; of the 3x3's reduction
#: and the 3x3; of the 5x5's reduction and the 5x5; and of the pooling's 1x1.
STAGES = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)


@dataclass(frozen=True)
class Config:
    """The modules, the form of the network, auxiliary heads, and dropout.

    Attributes:
        stages: Channels of the branches of each module, as in `STAGES`.
        paper: Whether it is the paper's form: response normalisation before and after
            the second stage instead of batch norm, 5x5 in the third branches,
            overlapping windows in the last pooling, and auxiliary heads that pool 5x5.
        auxiliary: Whether the model has the two auxiliary heads, for training.
        dropout: Dropout rate before the classifier.
        auxiliary_dropout: Dropout rate in the auxiliary heads.
        bn_epsilon: Epsilon of every batch norm.
    """

    stages: tuple[tuple[tuple[int, ...], ...], ...] = STAGES
    paper: bool = False
    auxiliary: bool = False
    dropout: float = 0.2
    auxiliary_dropout: float = 0.7
    bn_epsilon: float = 1e-3


def body(x: KerasTensor, config: Config) -> Features:
    """Three convolutions, then three stages of modules, with pooling between stages."""
    bn = _bn(config)
    taps = _taps(config).values() if config.auxiliary else ()
    x = layers.ZeroPadding2D(3, name="stem_pad")(x)
    x = unit(x, Conv(64, 7, 2), bn=bn, name="stem")
    maps = {"stem": x}
    x = PaddedMaxPooling2D(3, 2, ceil_mode=True, name="stem_pool")(x)
    if config.paper:
        x = LocalResponseNormalization(name="stem_lrn")(x)
    x = unit(x, Conv(64, 1), bn=bn, name="stage2_reduce")
    x = unit(x, Conv(192, 3), bn=bn, name="stage2")
    maps["stage2"] = x
    if config.paper:
        x = LocalResponseNormalization(name="stage2_lrn")(x)
    for s, modules in enumerate(config.stages, start=3):
        window = 3 if s < 5 or config.paper else 2
        x = PaddedMaxPooling2D(window, 2, ceil_mode=True, name=f"stage{s}_pool")(x)
        for b, sizes in enumerate(modules, start=1):
            x = _module(x, sizes, config, name=f"stage{s}_block{b}")
            if f"stage{s}_block{b}" in taps:
                maps[f"stage{s}_block{b}"] = x
        maps[f"stage{s}"] = x
    return maps


def _taps(config: Config) -> dict[str, str]:
    """Name the inputs of the auxiliary heads: the outputs of modules 4a and 4d."""
    second = max(len(config.stages[1]) - 1, 1)
    return {"aux1": "stage4_block1", "aux2": f"stage4_block{second}"}


def _bn(config: Config) -> dict[str, float] | None:
    return None if config.paper else {"epsilon": config.bn_epsilon}


def _module(
    x: KerasTensor, sizes: tuple[int, ...], config: Config, *, name: str
) -> KerasTensor:
    """Figure 2b, parallel branches: 1x1, reduced 3x3, reduced 5x5, and pooling."""
    one, reduce3, three, reduce5, five, pooled = sizes
    table = (
        (Conv(one, 1),),
        (Conv(reduce3, 1), Conv(three, 3)),
        (Conv(reduce5, 1), Conv(five, 5 if config.paper else 3)),
        (Pool("max"), Conv(pooled, 1)),
    )
    return branches(x, table, bn=_bn(config), name=name)


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, dropout and one linear layer."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    return logits(x, classes, activation=activation)


def auxiliary(
    maps: Features, config: Config, *, classes: int, activation: Any
) -> Features:
    """Two small classifiers on inner feature maps, for stronger gradients early on.

    The paper adds their losses with a weight of 0.3.
    """
    return {
        name: _auxiliary(maps[tap], config, classes, activation, name=name)
        for name, tap in _taps(config).items()
    }


def _auxiliary(
    x: KerasTensor, config: Config, classes: int, activation: Any, *, name: str
) -> KerasTensor:
    if config.paper:
        x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    if x.shape[1:] != image_shape((4, 4, channels(x))):
        x = AdaptivePooling2D(4, name=f"{name}_resize")(x)
    x = unit(x, Conv(128, 1), bn=_bn(config), name=name)
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(1024, activation="relu", name=f"{name}_hidden")(x)
    x = layers.Dropout(config.auxiliary_dropout, name=f"{name}_dropout")(x)
    return logits(x, classes, activation=activation, name=name)


def _letter(found: re.Match[str]) -> str:
    """Name a module as the paper does, 3a to 5b."""
    return f"inception{found[1]}{'abcdefgh'[int(found[2]) - 1]}."


_MODULES = Rename(r"^stage(\d)_block(\d)_", _letter)
_TORCHVISION = (
    _MODULES,
    # A branch of one convolution has no step number; others count steps from 0.
    Rename(r"branch1_step1_", "branch1."),
    Rename(r"branch4_step1_", "branch4.1."),
    Rename(r"_step1_", ".0."),
    Rename(r"_step2_", ".1."),
    Rename(r"^stem_", "conv1."),
    Rename(r"^stage2_reduce_", "conv2."),
    Rename(r"^stage2_", "conv3."),
    Rename(r"^(aux\d)_(conv|bn)", r"\1.conv.\2"),
    Rename(r"^(aux\d)_hidden", r"\1.fc1"),
    Rename(r"^(aux\d)\.(weight|bias)", r"\1.fc2.\2"),
    Rename(r"^head", "fc"),
)
#: Names in the authors' table, and in the Caffe file that follows it.
_PAPER = (
    _MODULES,
    Rename(r"branch1_step1_conv", "1x1"),
    Rename(r"branch2_step1_conv", "3x3_reduce"),
    Rename(r"branch2_step2_conv", "3x3"),
    Rename(r"branch3_step1_conv", "5x5_reduce"),
    Rename(r"branch3_step2_conv", "5x5"),
    Rename(r"branch4_step1_conv", "pool_proj"),
    Rename(r"^stem_conv", "conv1"),
    Rename(r"^stage2_reduce_conv", "conv2_reduce"),
    Rename(r"^stage2_conv", "conv2"),
    Rename(r"^(aux\d)_conv", r"\1.conv"),
    Rename(r"^(aux\d)_hidden", r"\1.fc1"),
    Rename(r"^(aux\d)\.(weight|bias)", r"\1.fc2.\2"),
    Rename(r"^head", "classifier"),
)

_PAPER_PAGE = "https://arxiv.org/abs/1409.4842"

FAMILY = Family(
    name="googlenet",
    body=body,
    head=head,
    auxiliary=auxiliary,
    paper=Paper(
        title="Going Deeper with Convolutions",
        authors="Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, "
        "Rabinovich",
        year=2014,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    variants={
        "googlenet": Variant(
            config=Config(),
            reference="torchvision/googlenet",
            params=6_624_904,
            macs=1_498_376_192,
            # What torchvision's usual constants and its `transform_input` amount to.
            preprocessing=Preprocessing(
                mean=(127.5,) * 3, std=(127.5,) * 3, crop=0.875
            ),
            deviations=(
                "Batch norm follows every convolution, and there is no response "
                "normalisation.",
                "Convolutions that are 5x5 in the paper are 3x3, and the last pooling "
                "has windows of 2x2, as in torchvision and its weights.",
                "Auxiliary heads average their feature map to 4x4, so that they "
                "accept images of any size.",
            ),
        ),
        "googlenet_paper": Variant(
            config=Config(paper=True, dropout=0.4),
            params=6_998_552,
            macs=1_582_671_872,
            # "RGB with mean subtraction"; section 5.
            preprocessing=Preprocessing(mean=(123.675, 116.28, 103.53), crop=0.875),
            claims=(
                Claim(
                    metric="ImageNet val top-5 error %, 1 crop",
                    value=10.07,
                    source=f"{_PAPER_PAGE} table 3",
                ),
            ),
            deviations=(
                "Response normalisation uses AlexNet's constants; the paper gives "
                "none.",
                "For image sizes other than 224, the auxiliary heads average their "
                "feature map to 4x4.",
            ),
        ),
    },
    name_maps={"torchvision": NameMap(_TORCHVISION), "paper": NameMap(_PAPER)},
    sketch={"stages": (STAGES[0][:1], STAGES[1][:2], STAGES[2][:1])},
)
