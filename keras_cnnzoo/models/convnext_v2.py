"""ConvNeXt V2: ConvNeXt with global response normalisation instead of LayerScale.

It is designed for pretraining as a masked autoencoder. There, many channels of the
first version die or become redundant; the normalisation keeps them distinct.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from keras_cnnzoo.cards import IMAGENET, Claim, Family, NameMap, Paper, Rename, Variant
from keras_cnnzoo.models.convnext import Config, body, head, timm_names


def _timm(names: Sequence[str]) -> Sequence[Rename]:
    """Tell timm's two kinds apart: 1x1 convolutions up to "nano", dense layers above.

    Models of the first kind have two blocks in the first stage, the others three.
    """
    large = any(re.match("stage1_block3_", name) for name in names)
    return timm_names(rank=2 if large else 4)


_SOURCE = "https://github.com/facebookresearch/ConvNeXt-V2"

#: name: blocks, channels of the first stage, trainable parameters,
#: multiply-accumulates, top-1 accuracy of the authors' weights, pretrained and
#: fine-tuned on ImageNet-1k.
_TABLE = {
    "atto": ((2, 2, 6, 2), 40, 3_708_400, 547_332_480, 76.7),
    "femto": ((2, 2, 6, 2), 48, 5_233_240, 779_629_824, 78.5),
    "pico": ((2, 2, 6, 2), 64, 9_066_280, 1_367_055_360, 80.3),
    "nano": ((2, 2, 8, 2), 80, 15_623_800, 2_445_528_320, 81.9),
    "tiny": ((3, 3, 9, 3), 96, 28_635_496, 4_455_531_264, 83.0),
    "base": ((3, 3, 27, 3), 128, 88_717_800, 15_354_729_472, 84.9),
    "large": ((3, 3, 27, 3), 192, 197_956_840, 34_361_433_600, 85.8),
}

FAMILY = Family(
    name="convnext_v2",
    body=body,
    head=head,
    paper=Paper(
        title="ConvNeXt V2: Co-designing and Scaling ConvNets with Masked Autoencoders",
        authors="Woo, Debnath, Hu, Chen, Liu, Kweon, Xie",
        year=2023,
        url="https://arxiv.org/abs/2301.00808",
    ),
    input_shape=(224, 224, 3),
    preprocessing=replace(IMAGENET, interpolation="bicubic"),
    variants={
        f"convnext_v2_{size}": Variant(
            config=Config(
                blocks=blocks,
                widths=(width, 2 * width, 4 * width, 8 * width),
                layer_scale=None,
                response_norm=True,
            ),
            reference=f"timm/convnextv2_{size}",
            params=params,
            macs=macs,
            claims=(
                Claim(
                    metric="ImageNet val top-1 accuracy %, 1 crop",
                    value=top1,
                    source=_SOURCE,
                ),
            ),
        )
        for size, (blocks, width, params, macs, top1) in _TABLE.items()
    },
    name_maps={"timm": NameMap(_timm)},
    sketch={"blocks": (1, 2), "widths": (24, 48)},
)
