"""ResNeXt: bottlenecks whose 3x3 is a grouped convolution.

`32x4d` means 32 groups of 4 channels each in the first stage.
"""

from dataclasses import replace

from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import IMAGENET, Claim, Family, Paper, Variant
from keras_cnnzoo.models.resnet import DEPTHS, NAME_MAPS, Config, body

#: name: depth, groups, channels of each, trainable parameters, multiply-accumulates at
#: 224x224, top-1 of torchvision's first weights, image size before the crop.
_TABLE = {
    "resnext50_32x4d": (50, 32, 4, 25_028_904, 4_230_479_872, 77.618, 256),
    "resnext101_32x8d": (101, 32, 8, 88_791_336, 16_414_015_488, 79.312, 256),
    "resnext101_64x4d": (101, 64, 4, 83_455_272, 15_460_270_080, 83.246, 232),
}
_PAGE = "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models."

FAMILY = Family(
    name="resnext",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Aggregated Residual Transformations for Deep Neural Networks",
        authors="Xie, Girshick, Dollár, Tu, He",
        year=2016,
        url="https://arxiv.org/abs/1611.05431",
    ),
    input_shape=(224, 224, 3),
    variants={
        name: Variant(
            config=Config(
                DEPTHS[depth][1], "bottleneck", cardinality=groups, base_width=width
            ),
            reference=f"torchvision/{name}",
            preprocessing=replace(IMAGENET, crop=224 / resized),
            params=params,
            macs=macs,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=top1,
                    source=f"{_PAGE}{name}.html",
                ),
            ),
        )
        for name, (depth, groups, width, params, macs, top1, resized) in _TABLE.items()
    },
    name_maps={"torchvision": NAME_MAPS["torchvision"]},
    sketch={"blocks": (1, 2, 1, 1)},
    deviations=("Blocks have their stride in the 3x3 convolution, as in ResNet v1.5.",),
)
