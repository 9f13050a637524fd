"""FractalNet: parallel columns of different depth, without residual connections.

A block of C columns is one convolution in parallel with two consecutive blocks of C - 1
columns, so that its deepest column has `2 ** (C - 1)` convolutions.
"""

from dataclasses import dataclass

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import batch_norm, conv
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import (
    CIFAR10,
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Rename,
    Variant,
)
from keras_cnnzoo.layers import DropPathColumn, DropPathMean


@dataclass(frozen=True)
class Config:
    """Number of columns, width, and regularisation.

    Attributes:
        columns: Columns of every block; five blocks are `5 * 2 ** (columns - 1)` deep.
        widths: Channels of each block.
        dropouts: Dropout rate in each block.
        drop_path: Share of its inputs that each join drops in training.
        drop_columns: Share of the training batches that use a single column only.
    """

    columns: int = 3
    widths: tuple[int, ...] = (64, 128, 256, 512, 512)
    dropouts: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4)
    drop_path: float = 0.15
    drop_columns: float = 0.5


def body(x: KerasTensor, config: Config) -> Features:
    """Section 2: blocks that each halve the resolution."""
    alone = None
    if config.drop_columns:
        alone = DropPathColumn(
            config.columns, config.drop_columns, name="drop_path_column"
        )(x)
    maps = {}
    blocks = zip(config.widths, config.dropouts, strict=True)
    for s, (width, dropout) in enumerate(blocks, start=1):
        x = maps[f"stage{s}"] = _block(x, alone, width, dropout, config, f"stage{s}")
    return maps


def _block(
    x: KerasTensor,
    alone: KerasTensor,
    width: int,
    dropout: float,
    config: Config,
    name: str,
) -> KerasTensor:
    """Build the columns row by row, and join those that end in the same row."""
    columns = [x] * config.columns
    rows = 2 ** (config.columns - 1)
    for row in range(1, rows + 1):
        # The deepest column has a unit in every row, the next in every second, ...
        ends = [c for c in range(config.columns) if row % (rows >> c) == 0]
        for c in ends:
            unit = f"{name}_column{c + 1}_unit{row // (rows >> c)}"
            columns[c] = _unit(columns[c], width, dropout, name=unit)
            if row == rows:  # the paper pools before the last join
                pool = layers.MaxPooling2D(2, name=f"{name}_column{c + 1}_pool")
                columns[c] = pool(columns[c])
        if len(ends) > 1:
            join = DropPathMean(config.drop_path, name=f"{name}_join{row // 2}")
            joined = join([columns[c] for c in ends], alone=alone)
            columns[ends[0] :] = [joined] * len(ends)
    return columns[0]


def _unit(x: KerasTensor, width: int, dropout: float, *, name: str) -> KerasTensor:
    x = conv(
        x,
        width,
        3,
        use_bias=False,
        # Caffe's "xavier" counts the inputs only.
        kernel_initializer="lecun_uniform",
        name=f"{name}_conv",
    )
    if dropout:
        x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    x = batch_norm(x, name=f"{name}_bn")
    return layers.ReLU(name=f"{name}_relu")(x)


_PAGE = "https://arxiv.org/abs/1605.07648"

FAMILY = Family(
    name="fractalnet",
    body=body,
    head=average_classifier,
    paper=Paper(
        title="FractalNet: Ultra-Deep Neural Networks without Residuals",
        authors="Larsson, Maire, Shakhnarovich",
        year=2016,
        url=_PAGE,
    ),
    input_shape=(32, 32, 3),
    classes=10,
    preprocessing=CIFAR10,
    variants={
        "fractalnet20": Variant(
            config=Config(),
            params=33_724_618,
            macs=845_222_912,
            claims=(
                Claim(
                    metric="CIFAR-10 test error, %, augmented",
                    value=4.6,
                    source=f"{_PAGE} table 1",
                ),
                Claim(
                    metric="CIFAR-10 test error, %, not augmented",
                    value=7.33,
                    source=f"{_PAGE} table 1",
                ),
            ),
            deviations=(
                "The paper counts 38.6 million parameters; the layout of its authors' "
                "generator, https://github.com/gustavla/fractalnet, has 33.7 million.",
            ),
        ),
        "fractalnet40": Variant(
            config=Config(columns=4, widths=(16, 32, 64, 128, 128)),
            params=4_767_210,
            macs=128_582_912,
            deviations=(
                "The thin network of the paper's table 3. The 40-layer network of its "
                "table 1 has columns of unequal width, and the paper does not say "
                "which of their kernels are 1x1.",
            ),
        ),
    },
    name_maps={"paper": NameMap((Rename(r"_(column|unit|conv|bn)", r".\1"),))},
    sketch={"columns": 3, "widths": (8, 12), "dropouts": (0.0, 0.1)},
    deviations=(
        "The convolutions have no bias, and batch norm has a scale and an offset; in "
        "the authors' generator it is the other way round.",
        "In training, a dropped column is still computed, and its batch norms still "
        "use the batch.",
    ),
)
