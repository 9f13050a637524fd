"""Wide ResNet for CIFAR: fewer layers than ResNet, with more channels.

`wrn_28_10` has 28 layers with ten times the channels of a CIFAR ResNet.
"""

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
    """Depth, width and regularisation.

    Attributes:
        blocks: Blocks in each of the three stages; the depth is `6 * blocks + 4`.
        widen: Factor of the stages' 16, 32 and 64 channels.
        dropout: Dropout rate between the two convolutions of each block.
        drop_path: Drop path rate: the share of samples that skip a block in training.
        zero_init: Whether each block is initialised as the identity.
    """

    blocks: int
    widen: int
    dropout: float = 0.0
    drop_path: float = 0.0
    zero_init: bool = False


def body(x: KerasTensor, config: Config) -> Features:
    """Table 1: pre-activation blocks of two 3x3, at 32x32, 16x16 and 8x8."""
    x = conv(x, 16, 3, use_bias=False, name="stem_conv")
    maps = {}
    for s in (1, 2, 3):
        for b in range(1, config.blocks + 1):
            x = ResidualBlock(
                16 * config.widen * 2 ** (s - 1),
                strides=2 if s > 1 and b == 1 else 1,
                version="v2",
                dropout=config.dropout,
                drop_path=config.drop_path,
                zero_init=config.zero_init,
                name=f"stage{s}_block{b}",
            )(x)
        maps[f"stage{s}"] = x
    x = batch_norm(x, name="top_bn")
    return maps | {"stage3": layers.ReLU(name="top_relu")(x)}


_PAGE = "https://arxiv.org/abs/1605.07146"
#: depth and widening: trainable parameters, multiply-accumulates, test error in %.
_TABLE = {
    (16, 8): (10_961_370, 1_548_145_664, 4.27),
    (28, 10): (36_479_194, 5_243_328_768, 4.00),
    (40, 4): (8_949_210, 1_298_582_016, 4.53),
}

FAMILY = Family(
    name="wide_resnet",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Wide Residual Networks",
        authors="Zagoruyko, Komodakis",
        year=2016,
        url=_PAGE,
    ),
    input_shape=(32, 32, 3),
    classes=10,
    preprocessing=CIFAR10,
    variants={
        f"wrn_{depth}_{widen}": Variant(
            config=Config((depth - 4) // 6, widen),
            params=params,
            macs=macs,
            claims=(
                Claim(
                    metric="CIFAR-10 test error, %",
                    value=error,
                    source=f"{_PAGE} table 5",
                ),
            ),
        )
        for (depth, widen), (params, macs, error) in _TABLE.items()
    },
    name_maps={"paper": NameMap((Rename(r"_block(\d+)\.", r".\1."),))},
    sketch={"blocks": 2, "widen": 1},
)
