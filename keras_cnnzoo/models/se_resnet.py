"""SE-ResNet: each block scales its channels by weights from their global averages.

`build("resnet50", gate="eca")` and `gate="cbam"` use other attention modules in the
same place.
"""

from dataclasses import replace

from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import IMAGENET, Family, Paper, Variant
from keras_cnnzoo.models.resnet import DEPTHS, NAME_MAPS, Config, body

#: depth: trainable parameters, multiply-accumulates at 224x224.
_TABLE = {
    18: (11_779_624, 1_814_161_408),
    34: (21_960_416, 3_663_920_128),
    50: (28_088_024, 4_091_699_200),
    101: (49_326_872, 7_806_148_608),
    152: (66_821_848, 11_520_204_800),
}

FED = replace(IMAGENET, interpolation="bicubic")

_STRIDES = ("Bottlenecks have their stride in the 3x3 convolution, as in ResNet v1.5.",)

FAMILY = Family(
    name="se_resnet",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Squeeze-and-Excitation Networks",
        authors="Hu, Shen, Albanie, Sun, Wu",
        year=2017,
        url="https://arxiv.org/abs/1709.01507",
    ),
    input_shape=(224, 224, 3),
    preprocessing=FED,
    variants={
        f"se_resnet{depth}": Variant(
            config=Config(blocks, form, gate="se"),
            reference=f"timm/seresnet{depth}",
            preprocessing=replace(FED, crop=0.95) if depth == 50 else None,
            params=params,
            macs=macs,
            deviations=_STRIDES if form == "bottleneck" else (),
        )
        for depth, (params, macs) in _TABLE.items()
        for form, blocks in [DEPTHS[depth]]
    },
    name_maps={"timm": NAME_MAPS["torchvision"]},
    sketch={"blocks": (1, 2, 1, 1)},
    deviations=(
        "The number of hidden units in each gate is a multiple of eight, as in timm.",
    ),
)
