"""The CIFAR-10 network of cuda-convnet, an early library for training on GPUs."""

from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, initializers, layers

from keras_cnnzoo.blocks.caffe_pooling import overlapping_pool
from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.cards import CIFAR10, Claim, Family, Features, NameMap, Paper, Variant
from keras_cnnzoo.layers import LpPooling2D


@dataclass(frozen=True)
class Config:
    """Channels of each convolution, and the constants of the normalisation.

    Attributes:
        widths: Channels of the three convolutions.
        scale: Factor of the mean square in the 3x3 window around each pixel.
        power: Exponent of the divisor.
    """

    widths: tuple[int, int, int] = (32, 32, 64)
    scale: float = 5e-5
    power: float = 0.75


def body(x: KerasTensor, config: Config) -> Features:
    """Three 5x5 convolutions, with max pooling after the first and then averages."""
    maps = {}
    for s, width in enumerate(config.widths, start=1):
        x = conv(x, width, 5, name=f"conv{s}", kernel_initializer=_start(s))
        # The original pools before the first ReLU; for max pooling that is the same.
        x = layers.ReLU(name=f"relu{s}")(x)
        x = overlapping_pool(x, "max" if s == 1 else "avg", name=f"pool{s}")
        maps[f"stage{s}"] = x
        if s < len(config.widths):
            x = _normalise(x, config, name=f"norm{s}")
    return maps


def _start(stage: int) -> initializers.Initializer:
    return initializers.RandomNormal(stddev=0.0001 if stage == 1 else 0.01)


def _normalise(x: KerasTensor, config: Config, *, name: str) -> KerasTensor:
    """Divide by the activity of each pixel's 3x3 neighbourhood in its own channel."""
    # Pixels of the window outside the image count as zeros.
    room = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    norm = LpPooling2D(3, 1, p=2, reduction="mean", name=f"{name}_activity")(room)
    return x / (1 + config.scale * norm**2) ** config.power


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Flatten, then one linear layer."""
    x = layers.Flatten(name="flatten")(x)
    return logits(x, classes, activation=activation, kernel_initializer=_start(4))


_PAGE = "https://code.google.com/archive/p/cuda-convnet/"

FAMILY = Family(
    name="cuda_convnet",
    body=body,
    head=head,
    paper=Paper(
        title="cuda-convnet: High-performance C++/CUDA implementation of "
        "convolutional neural networks",
        authors="Krizhevsky",
        year=2012,
        url=_PAGE,
    ),
    input_shape=(32, 32, 3),
    classes=10,
    # The original subtracts the mean image and does not scale.
    preprocessing=replace(CIFAR10, std=(1.0,) * 3),
    variants={
        "cuda_convnet": Variant(
            config=Config(),
            params=89_578,
            macs=12_298_240,
            claims=(
                Claim(
                    metric="CIFAR-10 test error %, not augmented",
                    value=18.0,
                    source=_PAGE,
                ),
            ),
        ),
    },
    name_maps={"paper": NameMap(())},
    deviations=("Preprocessing subtracts one mean colour, not a mean image.",),
)
