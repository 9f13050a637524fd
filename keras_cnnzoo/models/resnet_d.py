"""ResNet-D: a stem of three 3x3 convolutions, and average pooling in shortcuts.

A strided 1x1 shortcut uses only a quarter of its input. With average pooling before it,
the shortcut uses all of it.
"""

from dataclasses import replace

from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import IMAGENET, Family, Paper, Variant
from keras_cnnzoo.models.resnet import DEPTHS, NAME_MAPS, Config, body

#: depth: trainable parameters, multiply-accumulates at 224x224.
_TABLE = {
    18: (11_708_744, 2_053_713_920),
    34: (21_816_904, 3_903_401_984),
    50: (25_576_264, 4_328_824_832),
}

FAMILY = Family(
    name="resnet_d",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Bag of Tricks for Image Classification with Convolutional Neural "
        "Networks",
        authors="He, Zhang, Zhang, Zhang, Xie, Li",
        year=2018,
        url="https://arxiv.org/abs/1812.01187",
    ),
    input_shape=(224, 224, 3),
    preprocessing=replace(IMAGENET, interpolation="bicubic"),
    variants={
        f"resnet{depth}d": Variant(
            config=Config(blocks, form, stem="deep", shortcut="average"),
            reference=f"timm/resnet{depth}d",
            params=params,
            macs=macs,
        )
        for depth, (params, macs) in _TABLE.items()
        for form, blocks in [DEPTHS[depth]]
    },
    name_maps={"timm": NAME_MAPS["timm resnet-d"]},
    sketch={"blocks": (1, 2, 1, 1)},
)
