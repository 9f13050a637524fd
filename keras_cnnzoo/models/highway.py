"""Highway networks for CIFAR: gates set how much of its input each layer replaces.

The models of 11, 19 and 32 layers are the paper's A, B and C. The authors published the
full definition of B only.
"""

from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.cards import (
    CIFAR10,
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Rename,
    Variant,
)
from keras_cnnzoo.layers import HighwayBlock

#: Caffe's "xavier" counts the inputs only.
_XAVIER = "lecun_uniform"


@dataclass(frozen=True)
class Config:
    """Depth and width of each stage, and the end of the network.

    Attributes:
        depths: Layers of each stage. The first is a plain convolution that sets the
            width.
        widths: Channels of each stage.
        kernels: Kernel sizes that alternate within a stage.
        units: Channels of the 1x1 convolution before the global average pooling.
        gate_bias: Initial value of the gates' biases.
        dropout: Dropout rate on the image, after each pooling and before the
            classifier.
    """

    depths: tuple[int, ...] = (5, 6, 6)
    widths: tuple[int, ...] = (32, 80, 128)
    kernels: tuple[int, ...] = (3,)
    units: int = 100
    gate_bias: float = -2.0
    dropout: float = 0.2


def body(x: KerasTensor, config: Config) -> Features:
    """Stages at 32x32, 16x16 and 8x8: a plain convolution, then highway layers."""
    maps = {}
    stages = zip(config.depths, config.widths, strict=True)
    for s, (depth, width) in enumerate(stages, start=1):
        name = f"stage{s}"
        if s > 1:
            x = layers.MaxPooling2D(2, name=f"{name}_pool")(x)
        x = layers.Dropout(config.dropout, name=f"{name}_dropout")(x)
        for i in range(1, depth + 1):
            kernel = config.kernels[(i - 1) % len(config.kernels)]
            if i == 1:
                x = _plain(x, width, kernel, name=f"{name}_conv1")
                continue
            x = HighwayBlock(
                kernel,
                gate_bias=config.gate_bias,
                kernel_initializer=_XAVIER,
                name=f"{name}_block{i}",
            )(x)
        maps[name] = x
    return maps


def _plain(x: KerasTensor, width: int, kernel: int, *, name: str) -> KerasTensor:
    return conv(
        x, width, kernel, activation="relu", kernel_initializer=_XAVIER, name=name
    )


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Apply a 1x1 convolution, global average pooling, dropout and one linear layer."""
    x = _plain(x, config.units, 1, name="head_conv")
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dropout(config.dropout, name="head_dropout")(x)
    return logits(x, classes, activation=activation)


_PAGE = "https://arxiv.org/abs/1507.06228"
_METRIC = "CIFAR-10 test accuracy, %, augmented"

_END = (
    "It ends in a 1x1 convolution and global average pooling, as does the network of "
    "the paper's table 3; those of its table 2 have a fully connected layer instead."
)

FAMILY = Family(
    name="highway",
    body=body,
    head=head,
    paper=Paper(
        title="Training Very Deep Networks",
        authors="Srivastava, Greff, Schmidhuber",
        year=2015,
        url=_PAGE,
    ),
    input_shape=(32, 32, 3),
    classes=10,
    preprocessing=CIFAR10,
    variants={
        "cifar_highway11": Variant(
            config=Config((3, 3, 3), (16, 32, 64), units=250),
            params=236_328,
            macs=32_139_716,
            claims=(Claim(metric=_METRIC, value=89.18, source=f"{_PAGE} table 2"),),
            deviations=(
                "The paper states the depth and about 236,000 parameters; the widths "
                "are chosen to give both.",
                _END,
            ),
        ),
        "cifar_highway19": Variant(
            config=Config(),
            params=2_256_838,
            macs=330_826_728,
            # Best of five runs.
            claims=(Claim(metric=_METRIC, value=92.4, source=f"{_PAGE} table 3"),),
        ),
        "cifar_highway32": Variant(
            config=Config((10, 10, 10), (32, 64, 96), kernels=(3, 1)),
            params=1_264_502,
            macs=230_089_704,
            claims=(Claim(metric=_METRIC, value=91.2, source=f"{_PAGE} table 2"),),
            deviations=(
                "The paper states the depth, that 3x3 and 1x1 kernels alternate, and "
                "about 1.25 million parameters; the stages and their widths are "
                "chosen to come close to that number.",
                _END,
            ),
        ),
    },
    name_maps={"paper": NameMap((Rename(r"^(stage\d)_", r"\1."),))},
    sketch={"depths": (2, 2, 3), "widths": (8, 8, 12), "units": 16},
    deviations=(
        "The paper normalises the contrast of each image; here each colour channel is "
        "scaled.",
    ),
)
