"""MobileNet v3: searched inverted residuals, squeeze-and-excite and hard swish."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import conv_bn
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.blocks.inverted_residual import inverted_residual
from keras_cnnzoo.cards import Claim, Family, Features, NameMap, Paper, Rename, Variant
from keras_cnnzoo.layers.attention import round_to
from keras_cnnzoo.models.mobilenet_v2 import convolutions, step

#: Table 1 of the paper, by stage: kernel size, expanded channels, channels, whether the
#: block has squeeze-and-excite, activation, stride.
LARGE = (
    ((3, 16, 16, False, "relu", 1),),
    ((3, 64, 24, False, "relu", 2), (3, 72, 24, False, "relu", 1)),
    (
        (5, 72, 40, True, "relu", 2),
        (5, 120, 40, True, "relu", 1),
        (5, 120, 40, True, "relu", 1),
    ),
    (
        (3, 240, 80, False, "hard_swish", 2),
        (3, 200, 80, False, "hard_swish", 1),
        (3, 184, 80, False, "hard_swish", 1),
        (3, 184, 80, False, "hard_swish", 1),
        (3, 480, 112, True, "hard_swish", 1),
        (3, 672, 112, True, "hard_swish", 1),
    ),
    (
        (5, 672, 160, True, "hard_swish", 2),
        (5, 960, 160, True, "hard_swish", 1),
        (5, 960, 160, True, "hard_swish", 1),
    ),
)
#: Table 2.
SMALL = (
    ((3, 16, 16, True, "relu", 2),),
    ((3, 72, 24, False, "relu", 2), (3, 88, 24, False, "relu", 1)),
    (
        (5, 96, 40, True, "hard_swish", 2),
        (5, 240, 40, True, "hard_swish", 1),
        (5, 240, 40, True, "hard_swish", 1),
        (5, 120, 48, True, "hard_swish", 1),
        (5, 144, 48, True, "hard_swish", 1),
    ),
    (
        (5, 288, 96, True, "hard_swish", 2),
        (5, 576, 96, True, "hard_swish", 1),
        (5, 576, 96, True, "hard_swish", 1),
    ),
)


@dataclass(frozen=True)
class Config:
    """Blocks, width, the head, padding, and the constants of batch norm.

    Attributes:
        stages: For each block: kernel size, expanded channels, channels, whether it has
            squeeze-and-excite, activation and stride. Each stage has one resolution.
        hidden: Units of the head's hidden layer.
        width: Multiplier of all channel counts, which are rounded to multiples of 8.
        dropout: Dropout rate after the hidden layer.
        padding: Padding of strided convolutions: "symmetric" as in PyTorch, or "same"
            as in TensorFlow.
        bn_momentum: Momentum of every batch norm.
        bn_epsilon: Epsilon of every batch norm.
    """

    stages: tuple[tuple[tuple[int, int, int, bool, str, int], ...], ...]
    hidden: int
    width: float = 1.0
    dropout: float = 0.2
    padding: str = "symmetric"
    bn_momentum: float = 0.99
    bn_epsilon: float = 1e-3


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, stages, and a 1x1 convolution to six times the last channels."""
    same: dict[str, Any] = {
        "padding": config.padding,
        "bn": {"momentum": config.bn_momentum, "epsilon": config.bn_epsilon},
    }
    swish = same | {"activation": "hard_swish"}
    x = conv_bn(x, _maps(16, config), 3, stride=2, name="stem", **swish)
    maps = {"stem": x}
    for s, blocks in enumerate(config.stages, start=1):
        for b, (kernel, wide, filters, gated, activation, stride) in enumerate(
            blocks, start=1
        ):
            expanded = _maps(wide, config)
            x = inverted_residual(
                x,
                _maps(filters, config),
                expanded=None if expanded == channels(x) else expanded,
                kernel=kernel,
                stride=stride,
                gate=GATE if gated else None,
                activation=activation,
                name=f"stage{s}_block{b}",
                **same,
            )
        maps[f"stage{s}"] = x
    top = 6 * channels(x)
    maps["top"] = conv_bn(x, top, 1, name="top", **swish)
    return maps


#: Squeeze to a quarter of the expanded channels.
GATE = {"ratio": 0.25, "divisor": 8, "gate_activation": "hard_sigmoid"}


def _maps(filters: int, config: Config) -> int:
    return round_to(filters * config.width, 8)


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling, one hidden layer, dropout and the classifier."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dense(config.hidden, activation="hard_swish", name="head_hidden")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    return logits(x, classes, activation=activation)


def _torchvision(names: Sequence[str]) -> list[Rename]:
    """Count blocks across stages, and the convolutions and the gate in each."""
    blocks = convolutions(names)
    top = f"features.{len(blocks) + 1}"
    renames = [
        Rename(r"^stem_conv", "features.0.0"),
        Rename(r"^stem_bn", "features.0.1"),
        Rename(r"^top_conv", f"{top}.0"),
        Rename(r"^top_bn", f"{top}.1"),
        Rename(r"^head_hidden", "classifier.0"),
        Rename(r"^head", "classifier.3"),
    ]
    gated = {name.split(".")[0] for name in names if "_gate." in name}
    for at, ((s, b), ours) in enumerate(blocks.items(), start=1):
        theirs, gate = f"features.{at}.block", f"stage{s}_block{b}_gate"
        steps = [*ours[:-1], *(["gate"] if gate in gated else []), ours[-1]]
        for i, name in enumerate(steps):
            if name == "gate":
                renames.append(Rename(rf"^{gate}\.", f"{theirs}.{i}.", rank=4))
            else:
                renames += step(s, b, name, f"{theirs}.{i}.0", f"{theirs}.{i}.1")
    return renames


_PAPER_PAGE = "https://arxiv.org/abs/1905.02244"
_PAGE = "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models."
_TOP1 = "ImageNet val top-1 accuracy %, 1 crop"


def _claims(name: str, *values: float, paper: float) -> tuple[Claim, ...]:
    page = f"{_PAGE}{name}.html"
    theirs = (
        Claim(metric=_TOP1, value=value, source=f"{page} (IMAGENET1K_V{at})")
        for at, value in enumerate(values, start=1)
    )
    own = Claim(metric=_TOP1, value=paper, source=f"{_PAPER_PAGE} table 3")
    return (*theirs, own)


FAMILY = Family(
    name="mobilenet_v3",
    body=body,
    head=head,
    paper=Paper(
        title="Searching for MobileNetV3",
        authors="Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, "
        "Le, Adam",
        year=2019,
        url=_PAPER_PAGE,
    ),
    input_shape=(224, 224, 3),
    variants={
        "mobilenet_v3_small": Variant(
            config=Config(SMALL, 1024),
            reference="torchvision/mobilenet_v3_small",
            params=2_542_856,
            macs=56_510_400,
            claims=_claims("mobilenet_v3_small", 67.668, paper=67.4),
        ),
        "mobilenet_v3_large": Variant(
            config=Config(LARGE, 1280),
            reference="torchvision/mobilenet_v3_large",
            params=5_483_032,
            macs=216_589_760,
            claims=_claims("mobilenet_v3_large", 74.042, 75.274, paper=75.2),
        ),
    },
    name_maps={"torchvision": NameMap(_torchvision)},
    sketch={"stages": (LARGE[0], LARGE[2][:2], LARGE[4][:1])},
    deviations=(
        "Symmetric padding, as in torchvision; TensorFlow's weights need "
        "`padding='same'`.",
    ),
)
