"""The paper's ResNeXt for CIFAR-10: 29 layers, with grouped 3x3 convolutions."""

from dataclasses import dataclass

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import batch_norm, conv
from keras_cnnzoo.blocks.heads import average_classifier
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
from keras_cnnzoo.layers import ResidualBlock


@dataclass(frozen=True)
class Config:
    """Blocks per stage, and their width.

    Attributes:
        blocks: Blocks in each of the three stages; the depth is `9 * blocks + 2`.
        cardinality: Groups of the 3x3 convolutions.
        base_width: Channels of each group in the first stage; each further stage
            doubles them.
        drop_path: Drop path rate: the share of samples that skip a block in training.
        zero_init: Whether each block is initialised as the identity.
    """

    blocks: int = 3
    cardinality: int = 8
    base_width: int = 64
    drop_path: float = 0.0
    zero_init: bool = False


def body(x: KerasTensor, config: Config) -> Features:
    """Section 5.2: a 3x3 stem, then bottlenecks at 32x32, 16x16 and 8x8."""
    x = conv(x, 64, 3, use_bias=False, name="stem_conv")
    x = batch_norm(x, name="stem_bn")
    x = layers.ReLU(name="stem_relu")(x)
    maps = {}
    for s in (1, 2, 3):
        for b in range(1, config.blocks + 1):
            x = ResidualBlock(
                256 * 2 ** (s - 1),
                "bottleneck",
                strides=2 if s > 1 and b == 1 else 1,
                width=config.cardinality * config.base_width * 2 ** (s - 1),
                cardinality=config.cardinality,
                drop_path=config.drop_path,
                zero_init=config.zero_init,
                name=f"stage{s}_block{b}",
            )(x)
        maps[f"stage{s}"] = x
    return maps


_PAGE = "https://arxiv.org/abs/1611.05431"

FAMILY = Family(
    name="cifar_resnext",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Aggregated Residual Transformations for Deep Neural Networks",
        authors="Xie, Girshick, Dollár, Tu, He",
        year=2016,
        url=_PAGE,
    ),
    input_shape=(32, 32, 3),
    classes=10,
    preprocessing=CIFAR10,
    variants={
        "cifar_resnext29_8x64d": Variant(
            config=Config(),
            params=34_426_698,
            macs=5_387_266_048,
            claims=(
                Claim(
                    metric="CIFAR-10 test error, %",
                    value=3.65,
                    source=f"{_PAGE} table 7",
                ),
            ),
        ),
    },
    name_maps={"paper": NameMap((Rename(r"_block(\d+)\.", r".\1."),))},
    sketch={"blocks": 2, "base_width": 8},
)
