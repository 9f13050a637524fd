"""EfficientNet v2: in early stages a full 3x3 replaces the 1x1 and depthwise 3x3."""

from dataclasses import dataclass, replace
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import conv_bn
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.blocks.inverted_residual import (
    fused_inverted_residual,
    inverted_residual,
)
from keras_cnnzoo.cards import (
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Preprocessing,
    Variant,
)
from keras_cnnzoo.models.mobilenet_v2 import timm_names

#: Table 4 of the paper, by stage: whether fused, expansion, channels, blocks, and the
#: stride of the first block. Kernels are 3x3; blocks that are not fused have
#: squeeze-and-excite.
S = (
    (True, 1, 24, 2, 1),
    (True, 4, 48, 4, 2),
    (True, 4, 64, 4, 2),
    (False, 4, 128, 6, 2),
    (False, 6, 160, 9, 1),
    (False, 6, 256, 15, 2),
)
M = (
    (True, 1, 24, 3, 1),
    (True, 4, 48, 5, 2),
    (True, 4, 80, 5, 2),
    (False, 4, 160, 7, 2),
    (False, 6, 176, 14, 1),
    (False, 6, 304, 18, 2),
    (False, 6, 512, 5, 1),
)
L = (
    (True, 1, 32, 4, 1),
    (True, 4, 64, 7, 2),
    (True, 4, 96, 7, 2),
    (False, 4, 192, 10, 2),
    (False, 6, 224, 19, 1),
    (False, 6, 384, 25, 2),
    (False, 6, 640, 7, 1),
)


@dataclass(frozen=True)
class Config:
    """The stages, regularisation, and the constants of TensorFlow or PyTorch.

    Attributes:
        stages: For each stage: whether its blocks are fused, expansion, channels,
            blocks, and the stride of the first block. The stem has as many channels as
            the first stage.
        top: Channels of the 1x1 convolution after the stages.
        dropout: Dropout rate after the global average pooling.
        drop_path: Drop path rate. Block `i` of `n`, counted from 0, has `i / n` of it.
        padding: Padding of strided convolutions: "same" as in TensorFlow, or
            "symmetric" as in PyTorch.
        bn_momentum: Momentum of every batch norm.
        bn_epsilon: Epsilon of every batch norm.
    """

    stages: tuple[tuple[bool, int, int, int, int], ...]
    top: int = 1280
    dropout: float = 0.2
    drop_path: float = 0.2
    padding: str = "same"
    bn_momentum: float = 0.9
    bn_epsilon: float = 1e-3


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, fused stages, stages with squeeze-and-excite, and a 1x1 convolution."""
    same: dict[str, Any] = {
        "activation": "silu",
        "padding": config.padding,
        "bn": {"momentum": config.bn_momentum, "epsilon": config.bn_epsilon},
    }
    x = conv_bn(x, config.stages[0][2], 3, stride=2, name="stem", **same)
    maps = {"stem": x}
    depth = sum(blocks for *_, blocks, _ in config.stages)
    done = 0
    for s, (fused, expansion, filters, blocks, stride) in enumerate(
        config.stages, start=1
    ):
        for b in range(1, blocks + 1):
            at: dict[str, Any] = {
                "expanded": channels(x) * expansion if expansion > 1 else None,
                "stride": stride if b == 1 else 1,
                "drop_path": config.drop_path * done / depth,
                "name": f"stage{s}_block{b}",
            }
            if fused:
                x = fused_inverted_residual(x, filters, **at, **same)
            else:
                # A quarter of the block's input channels, not of the expanded ones.
                gate = {"hidden": channels(x) // 4, "activation": "silu"}
                x = inverted_residual(x, filters, gate=gate, **at, **same)
            done += 1
        maps[f"stage{s}"] = x
    maps["top"] = conv_bn(x, config.top, 1, name="top", **same)
    return maps


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, dropout and one linear layer."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    return logits(x, classes, activation=activation)


_PAPER_PAGE = "https://arxiv.org/abs/2104.00298"
#: size: stages, dropout, size of the training images, trainable parameters,
#: multiply-accumulates, top-1 in the paper's table 7 (with larger images).
_TABLE = {
    "s": (S, 0.2, 300, 21_458_488, 5_307_561_248, 83.9),
    "m": (M, 0.3, 384, 54_139_356, 15_736_775_680, 85.1),
    "l": (L, 0.4, 384, 118_515_272, 35_899_418_624, 85.7),
}
#: Scales pixels to -1..1.
FED = Preprocessing(mean=(127.5,) * 3, std=(127.5,) * 3, interpolation="bicubic")


def _variant(size: str) -> Variant:
    stages, dropout, side, params, macs, top1 = _TABLE[size]
    return Variant(
        config=Config(stages, dropout=dropout),
        reference=f"timm/tf_efficientnetv2_{size}",
        params=params,
        macs=macs,
        input_shape=(side, side, 3),
        preprocessing=FED if size == "s" else replace(FED, fit="resize"),
        claims=(
            Claim(
                metric="ImageNet val top-1 accuracy %, 1 crop",
                value=top1,
                source=f"{_PAPER_PAGE} table 7",
            ),
        ),
    )


FAMILY = Family(
    name="efficientnet_v2",
    body=body,
    head=head,
    paper=Paper(
        title="EfficientNetV2: Smaller Models and Faster Training",
        authors="Tan, Le",
        year=2021,
        url=_PAPER_PAGE,
    ),
    input_shape=(300, 300, 3),
    preprocessing=FED,
    variants={f"efficientnet_v2_{size}": _variant(size) for size in _TABLE},
    name_maps={"timm": NameMap(timm_names)},
    sketch={"stages": (S[0], (True, 4, 48, 2, 2), (False, 4, 128, 2, 2))},
    deviations=(
        "The stages, the 1x1 convolution after them and the gates are as in the "
        "authors' released code and in timm.",
    ),
)
