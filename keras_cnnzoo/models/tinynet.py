"""TinyNet: EfficientNet-B0, scaled down in image size, depth and width."""

from dataclasses import replace

from keras_cnnzoo.cards import IMAGENET, Claim, Family, NameMap, Paper, Variant
from keras_cnnzoo.layers.attention import round_to
from keras_cnnzoo.models.efficientnet import STAGES, Config, body, head
from keras_cnnzoo.models.mobilenet_v2 import timm_names

#: size: image size, width, depth, trainable parameters, multiply-accumulates, the
#: authors' top-1.
_TABLE = {
    "a": (192, 1.0, 1.2, 6_187_972, 336_867_712, 76.8),
    "b": (188, 0.75, 1.1, 3_730_562, 200_709_360, 75.0),
    "c": (184, 0.54, 0.85, 2_457_234, 99_536_432, 71.2),
    "d": (152, 0.54, 0.695, 2_338_446, 51_580_656, 67.0),
    "e": (106, 0.51, 0.6, 2_042_972, 24_356_848, 59.9),
}
_SOURCE = (
    "https://github.com/huawei-noah/Efficient-AI-Backbones/tree/master/tinynet_pytorch"
)


def _twisted(width: float, depth: float) -> Config:
    """Scale the stages; stem and top stay as in EfficientNet-B0.

    Block counts are rounded to the nearest integer; EfficientNet rounds them up.
    """
    return Config(
        stages=tuple(
            (
                expansion,
                kernel,
                round_to(filters * width, 8),
                max(1, round(blocks * depth)),
                stride,
            )
            for expansion, kernel, filters, blocks, stride in STAGES
        )
    )


def _variant(size: str) -> Variant:
    side, width, depth, params, macs, top1 = _TABLE[size]
    return Variant(
        config=_twisted(width, depth),
        reference=f"timm/tinynet_{size}",
        params=params,
        macs=macs,
        input_shape=(side, side, 3),
        claims=(
            Claim(
                metric="ImageNet val top-1 accuracy %, 1 crop",
                value=top1,
                source=_SOURCE,
            ),
        ),
    )


FAMILY = Family(
    name="tinynet",
    body=body,
    head=head,
    paper=Paper(
        title="Model Rubik's Cube: Twisting Resolution, Depth and Width for TinyNets",
        authors="Han, Wang, Zhang, Zhang, Xu, Zhang",
        year=2020,
        url="https://arxiv.org/abs/2010.14819",
    ),
    input_shape=(192, 192, 3),
    preprocessing=replace(IMAGENET, interpolation="bicubic"),
    variants={f"tinynet_{size}": _variant(size) for size in _TABLE},
    name_maps={"timm": NameMap(timm_names)},
    sketch={"stages": (STAGES[0], STAGES[2])},
)
