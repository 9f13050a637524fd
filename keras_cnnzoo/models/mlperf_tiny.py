"""MLPerf Tiny: the benchmark's image classifier for microcontrollers.

A ResNet-8 for CIFAR-10: one block per stage, convolutions with bias, TensorFlow's
padding, and unscaled pixels of 0..255.
"""

from dataclasses import dataclass

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import batch_norm, conv
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
    Weights,
)


@dataclass(frozen=True)
class Config:
    """Channels of each stage, and the constants of batch norm: Keras's defaults."""

    widths: tuple[int, ...] = (16, 32, 64)
    bn_momentum: float = 0.99
    bn_epsilon: float = 1e-3


def body(x: KerasTensor, config: Config) -> Features:
    """Stack a stem and one residual block per stage, strided from the second on."""
    x = _conv_bn(x, config.widths[0], config, name="stem")
    x = layers.ReLU(name="stem_relu")(x)
    maps = {}
    for s, width in enumerate(config.widths, start=1):
        name, stride = f"stage{s}", 1 if s == 1 else 2
        y = _conv_bn(x, width, config, stride=stride, name=name, number=1)
        y = layers.ReLU(name=f"{name}_relu1")(y)
        y = _conv_bn(y, width, config, name=name, number=2)
        if stride > 1:  # a projection without batch norm
            x = conv(
                x, width, 1, stride=stride, padding="same", name=f"{name}_shortcut"
            )
        x = layers.Add(name=f"{name}_add")([x, y])
        x = maps[name] = layers.ReLU(name=f"{name}_relu2")(x)
    return maps


def _conv_bn(
    x: KerasTensor,
    width: int,
    config: Config,
    *,
    name: str,
    stride: int = 1,
    number: int | str = "",
) -> KerasTensor:
    x = conv(x, width, 3, stride=stride, padding="same", name=f"{name}_conv{number}")
    return batch_norm(
        x,
        momentum=config.bn_momentum,
        epsilon=config.bn_epsilon,
        name=f"{name}_bn{number}",
    )


#: The layers in the order in which the published file numbers them.
_CONVS = (
    *("stage1_conv1", "stage1_conv2", "stage2_conv1", "stage2_conv2"),
    *("stage2_shortcut", "stage3_conv1", "stage3_conv2", "stage3_shortcut"),
)
_NORMS = tuple(f"stage{s}_bn{i}" for s in (1, 2, 3) for i in (1, 2))

FAMILY = Family(
    name="mlperf_tiny",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="MLPerf Tiny Benchmark",
        authors="Banbury, Reddi, Torelli, Holleman, Jeffries, et al.",
        year=2021,
        url="https://arxiv.org/abs/2106.07597",
    ),
    input_shape=(32, 32, 3),
    classes=10,
    preprocessing=Preprocessing(mean=(0.0,) * 3, std=(1.0,) * 3),
    variants={
        "mlperf_resnet8": Variant(
            config=Config(),
            params=78_186,
            macs=12_501_632,
            claims=(
                Claim(
                    metric="CIFAR-10 test accuracy %, quality target",
                    value=85.0,
                    source="https://arxiv.org/abs/2106.07597 table 1",
                ),
            ),
            weights=(
                Weights(
                    tag="mlcommons/resnet8",
                    source="MLCommons",
                    url="https://raw.githubusercontent.com/mlcommons/tiny/master/"
                    "benchmark/training/image_classification/trained_models/"
                    "pretrainedResnet.h5",
                    sha256="5f938a8eea605438cc7360aa13c987bc",
                    license="Apache-2.0",
                ),
            ),
        ),
    },
    name_maps={
        "mlcommons": NameMap(
            (
                *(Rename(rf"^{o}\.", f"conv2d_{i}.") for i, o in enumerate(_CONVS, 1)),
                *(
                    Rename(rf"^{ours}\.", f"batch_normalization_{i}.")
                    for i, ours in enumerate(_NORMS, 1)
                ),
                Rename(r"^stem_conv", "conv2d"),
                Rename(r"^stem_bn", "batch_normalization"),
                Rename(r"^head", "dense"),
                Rename(r"\.(\w+)$", r"/\1"),
            ),
            layout="keras",
        ),
        "paper": NameMap((Rename(r"^(stage\d)_", r"\1."),)),
    },
    sketch={"widths": (16, 32)},
)
