"""The paper's DenseNet-BC for CIFAR: three stages, at 32x32, 16x16 and 8x8."""

from dataclasses import dataclass

from keras import KerasTensor

from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import (
    Claim,
    Family,
    Features,
    NameMap,
    Preprocessing,
    Rename,
    Variant,
)
from keras_cnnzoo.models import densenet
from keras_cnnzoo.models.densenet import PAPER, dense_stages


@dataclass(frozen=True)
class Config(densenet.Config):
    """The options of the ImageNet models; the stem's channels are twice `growth`."""

    blocks: tuple[int, ...] = (16, 16, 16)
    growth: int = 12
    stem: int = 24


def body(x: KerasTensor, config: Config) -> Features:
    """One 3x3 convolution without batch norm, then stages at 32x32, 16x16 and 8x8."""
    x = conv(x, config.stem, 3, use_bias=False, name="stem_conv")
    return dense_stages(x, config)


FAMILY = Family(
    name="cifar_densenet",
    body=body,
    head=average_classifier,
    paper=PAPER,
    input_shape=(32, 32, 3),
    classes=10,
    # CIFAR-10's own mean and standard deviation, as in the authors' code.
    preprocessing=Preprocessing(mean=(125.3, 123.0, 113.9), std=(63.0, 62.1, 66.7)),
    variants={
        # Depth 100: the stem, two transitions, the head, and 48 layers of two
        # convolutions.
        "cifar_densenet_bc_100_12": Variant(
            config=Config(),
            params=769_162,
            macs=287_929_692,
            claims=(
                Claim(
                    metric="CIFAR-10 test error %, flips and shifts",
                    value=4.51,
                    source=f"{PAPER.url} table 2",
                ),
            ),
        ),
    },
    name_maps={
        "paper": NameMap(
            (
                Rename(r"^stem_conv", "stem"),
                Rename(r"^stage(\d)_block(\d+)_", r"block\1.layer\2."),
                Rename(r"^transition(\d)_", r"transition\1."),
                Rename(r"^top_bn", "bn"),
                Rename(r"^head", "classifier"),
            )
        )
    },
    sketch={"blocks": (1, 2, 1)},
)
