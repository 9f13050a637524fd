"""Wide ResNets for ImageNet: bottlenecks with twice the channels inside."""

from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import Claim, Family, Paper, Variant
from keras_cnnzoo.models.resnet import DEPTHS, NAME_MAPS, Config, body

#: depth: trainable parameters, multiply-accumulates at 224x224, top-1 of torchvision's
#: first weights.
_TABLE = {
    50: (68_883_240, 11_398_021_120, 78.468),
    101: (126_886_696, 22_753_050_624, 78.848),
}
_PAGE = "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models."

FAMILY = Family(
    name="wide_resnet_imagenet",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="Wide Residual Networks",
        authors="Zagoruyko, Komodakis",
        year=2016,
        url="https://arxiv.org/abs/1605.07146",
    ),
    input_shape=(224, 224, 3),
    variants={
        f"wide_resnet{depth}_2": Variant(
            config=Config(DEPTHS[depth][1], "bottleneck", base_width=128),
            reference=f"torchvision/wide_resnet{depth}_2",
            params=params,
            macs=macs,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=top1,
                    source=f"{_PAGE}wide_resnet{depth}_2.html",
                ),
            ),
        )
        for depth, (params, macs, top1) in _TABLE.items()
    },
    name_maps={"torchvision": NAME_MAPS["torchvision"]},
    sketch={"blocks": (1, 2, 1, 1)},
    deviations=("Blocks have their stride in the 3x3 convolution, as in ResNet v1.5.",),
)
