"""DenseNet: each layer receives the channels of all earlier layers of its stage."""

from dataclasses import dataclass

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channel_axis, channels
from keras_cnnzoo.blocks.conv import batch_norm, conv, conv_bn
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import Claim, Family, Features, NameMap, Paper, Rename, Variant
from keras_cnnzoo.layers import PaddedMaxPooling2D


@dataclass(frozen=True)
class Config:
    """Depth, width and dropout.

    Attributes:
        blocks: Layers in each stage.
        growth: Channels that every layer adds: the paper's growth rate k.
        stem: Channels of the first convolution.
        bottleneck: Channels of a layer's 1x1, as a multiple of `growth`.
        compression: Share of the channels that a transition keeps.
        dropout: Dropout rate after each convolution of a layer.
    """

    blocks: tuple[int, ...]
    growth: int = 32
    stem: int = 64
    bottleneck: int = 4
    compression: float = 0.5
    dropout: float = 0.0


def body(x: KerasTensor, config: Config) -> Features:
    """Stem and pooling, then dense stages with transitions between them."""
    x = conv_bn(x, config.stem, 7, stride=2, name="stem")
    maps = {"stem": x}
    x = PaddedMaxPooling2D(3, 2, padding=1, name="stem_pool")(x)
    return maps | dense_stages(x, config)


def dense_stages(x: KerasTensor, config: Config) -> KerasTensor:
    """Stack the stages; the last is normalised and activated for the head."""
    maps = {}
    for s, blocks in enumerate(config.blocks, start=1):
        for b in range(1, blocks + 1):
            new = _new_maps(x, config, name=f"stage{s}_block{b}")
            x = layers.Concatenate(channel_axis(), name=f"stage{s}_block{b}")([x, new])
        maps[f"stage{s}"] = x
        if s < len(config.blocks):
            x = _transition(x, config, name=f"transition{s}")
    maps[f"stage{len(config.blocks)}"] = _bn_relu(x, name="top", index="")
    return maps


def _new_maps(x: KerasTensor, config: Config, *, name: str) -> KerasTensor:
    """One layer: a 1x1 on all channels so far, then a 3x3 to `growth` new ones."""
    x = _bn_relu(x, name=name, index="1")
    width = config.bottleneck * config.growth
    x = conv(x, width, 1, use_bias=False, name=f"{name}_conv1")
    if config.dropout:
        x = layers.Dropout(config.dropout, name=f"{name}_dropout1")(x)
    x = _bn_relu(x, name=name, index="2")
    x = conv(x, config.growth, 3, use_bias=False, name=f"{name}_conv2")
    if config.dropout:
        x = layers.Dropout(config.dropout, name=f"{name}_dropout2")(x)
    return x


def _transition(x: KerasTensor, config: Config, *, name: str) -> KerasTensor:
    """Reduce the channels by a 1x1, and halve the resolution."""
    x = _bn_relu(x, name=name, index="")
    width = int(channels(x) * config.compression)
    x = conv(x, width, 1, use_bias=False, name=f"{name}_conv")
    return layers.AveragePooling2D(2, name=f"{name}_pool")(x)


def _bn_relu(x: KerasTensor, *, name: str, index: str) -> KerasTensor:
    x = batch_norm(x, name=f"{name}_bn{index}")
    return layers.ReLU(name=f"{name}_relu{index}")(x)


_TORCHVISION = (
    Rename(r"^stem_conv", "features.conv0"),
    Rename(r"^stem_bn", "features.norm0"),
    Rename(r"^stage(\d)_block(\d+)_", r"features.denseblock\1.denselayer\2."),
    Rename(r"^transition(\d)_", r"features.transition\1."),
    Rename(r"^top_bn", "features.norm5"),
    Rename(r"\.bn(\d?)\.", r".norm\1."),
    Rename(r"^head", "classifier"),
)
#: The names in torchvision's current module, and the older ones in its files.
NAME_MAPS = {
    "torchvision": NameMap(_TORCHVISION),
    "torchvision files": NameMap(
        (*_TORCHVISION, Rename(r"(layer\d+\.)(norm|conv)(\d)", r"\1\2.\3"))
    ),
}

PAPER = Paper(
    title="Densely Connected Convolutional Networks",
    authors="Huang, Liu, van der Maaten, Weinberger",
    year=2016,
    url="https://arxiv.org/abs/1608.06993",
)

#: depth: configuration, trainable parameters, multiply-accumulates, and the top-1
#: error of the paper.
_TABLE = {
    121: (Config((6, 12, 24, 16)), 7_978_856, 2_834_161_664, 25.02),
    161: (Config((6, 12, 36, 24), growth=48, stem=96), 28_681_000, 7_727_907_072, None),
    169: (Config((6, 12, 32, 32)), 14_149_480, 3_359_843_328, 23.80),
    201: (Config((6, 12, 48, 32)), 20_013_928, 4_291_365_888, 22.58),
}

FAMILY = Family(
    name="densenet",
    body=body,
    head=average_classifier,
    paper=PAPER,
    input_shape=(224, 224, 3),
    variants={
        f"densenet{depth}": Variant(
            config=config,
            reference=f"torchvision/densenet{depth}",
            twins=(f"timm/densenet{depth}",),
            params=params,
            macs=macs,
            claims=(
                Claim(
                    metric="ImageNet val top-1 error %, 1 crop",
                    value=error,
                    source=f"{PAPER.url} table 3",
                ),
            )
            if error
            else (),
        )
        for depth, (config, params, macs, error) in _TABLE.items()
    },
    name_maps=NAME_MAPS,
    sketch={"blocks": (1, 2, 1, 1)},
)
