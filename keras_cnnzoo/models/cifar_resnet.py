"""The paper's ResNets for CIFAR-10: three narrow stages, up to 1,202 layers deep."""

from dataclasses import dataclass, replace

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import batch_norm, conv
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import IMAGENET, Claim, Family, Features, Variant
from keras_cnnzoo.layers import ResidualBlock
from keras_cnnzoo.models.resnet import NAME_MAPS, PAPER


@dataclass(frozen=True)
class Config:
    """Blocks in each of the three stages; the depth is `6 * blocks + 2`."""

    blocks: int
    width: int = 16
    shortcut: str = "pad"
    drop_path: float = 0.0
    zero_init: bool = False


def body(x: KerasTensor, config: Config) -> Features:
    """Section 4.2: 3x3 convolutions only, at 32x32, 16x16 and 8x8."""
    x = conv(x, config.width, 3, use_bias=False, name="stem_conv")
    x = batch_norm(x, name="stem_bn")
    x = layers.ReLU(name="stem_relu")(x)
    maps = {}
    for s in (1, 2, 3):
        for b in range(1, config.blocks + 1):
            x = ResidualBlock(
                config.width * 2 ** (s - 1),
                strides=2 if s > 1 and b == 1 else 1,
                shortcut=config.shortcut,
                drop_path=config.drop_path,
                zero_init=config.zero_init,
                name=f"stage{s}_block{b}",
            )(x)
        maps[f"stage{s}"] = x
    return maps


#: depth: trainable parameters, multiply-accumulates, the paper's test error in %.
_TABLE = {
    20: (269_722, 40_551_040, 8.75),
    32: (464_154, 68_862_592, 7.51),
    44: (658_586, 97_174_144, 7.17),
    56: (853_018, 125_485_696, 6.97),
    110: (1_727_962, 252_887_680, 6.43),
    1202: (19_421_274, 2_829_238_912, 7.93),
}

FAMILY = Family(
    name="cifar_resnet",
    body=body,
    head=average_classifier,
    paper=PAPER,
    input_shape=(32, 32, 3),
    classes=10,
    preprocessing=replace(IMAGENET, crop=1.0),
    variants={
        f"cifar_resnet{depth}": Variant(
            config=Config((depth - 2) // 6),
            reference=f"akamaster/resnet{depth}",
            params=params,
            macs=macs,
            claims=(
                Claim(
                    metric="CIFAR-10 test error, %",
                    value=error,
                    source="https://arxiv.org/abs/1512.03385 table 6",
                ),
            ),
        )
        for depth, (params, macs, error) in _TABLE.items()
    },
    name_maps=NAME_MAPS,
    sketch={"blocks": 2},
)
