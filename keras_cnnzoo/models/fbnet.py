"""FBNet-C: a differentiable search chose each block's kernel size and expansion."""

from dataclasses import dataclass

from keras import KerasTensor

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.conv import conv_bn
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.blocks.inverted_residual import inverted_residual
from keras_cnnzoo.cards import Family, Features, NameMap, Paper, Variant
from keras_cnnzoo.models.mobilenet_v2 import timm_names

#: FBNet-C in figure 4 of the paper, by stage: kernel size, expansion, channels and
#: stride of each block. Blocks that the search replaced by the identity are left out.
FBNET_C = (
    ((3, 1, 16, 1),),
    ((3, 6, 24, 2), (3, 1, 24, 1), (3, 1, 24, 1)),
    ((5, 6, 32, 2), (5, 3, 32, 1), (5, 6, 32, 1), (3, 6, 32, 1)),
    ((5, 6, 64, 2), (5, 3, 64, 1), (5, 6, 64, 1), (5, 6, 64, 1)),
    ((5, 6, 112, 1), (5, 6, 112, 1), (5, 6, 112, 1), (5, 3, 112, 1)),
    ((5, 6, 184, 2), (5, 6, 184, 1), (5, 6, 184, 1), (5, 6, 184, 1)),
    ((3, 6, 352, 1),),
)


@dataclass(frozen=True)
class Config:
    """The blocks, and the channels of the stem and the top.

    Attributes:
        stages: For each block: kernel size, expansion, channels and stride.
        stem: Channels of the first convolution.
        top: Channels of the 1x1 convolution after the stages.
    """

    stages: tuple[tuple[tuple[int, int, int, int], ...], ...]
    stem: int = 16
    top: int = 1984


def body(x: KerasTensor, config: Config) -> Features:
    """Stem, stages of inverted residuals, and a 1x1 convolution."""
    x = conv_bn(x, config.stem, 3, stride=2, name="stem")
    maps = {"stem": x}
    for s, blocks in enumerate(config.stages, start=1):
        for b, (kernel, expansion, filters, stride) in enumerate(blocks, start=1):
            x = inverted_residual(
                x,
                filters,
                # A 1x1 comes before the depthwise convolution even where expansion is
                # 1.
                expanded=channels(x) * expansion,
                kernel=kernel,
                stride=stride,
                name=f"stage{s}_block{b}",
            )
        maps[f"stage{s}"] = x
    maps["top"] = conv_bn(x, config.top, 1, name="top")
    return maps


FAMILY = Family(
    name="fbnet",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="FBNet: Hardware-Aware Efficient ConvNet Design via Differentiable "
        "Neural Architecture Search",
        authors="Wu, Dai, Zhang, Wang, Sun, Wu, Tian, Vajda, Jia, Keutzer",
        year=2018,
        url="https://arxiv.org/abs/1812.03443",
    ),
    input_shape=(224, 224, 3),
    variants={
        "fbnetc_100": Variant(
            config=Config(FBNET_C),
            reference="timm/fbnetc_100",
            params=5_572_200,
            macs=384_960_160,
        )
    },
    name_maps={"timm": NameMap(timm_names)},
    sketch={"stages": (FBNET_C[0], FBNET_C[2][:2])},
)
