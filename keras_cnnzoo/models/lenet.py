"""LeNet-5: convolution and sub-sampling in turn, the pattern of later CNNs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.blocks.pooling import POOLS, pool
from keras_cnnzoo.cards import (
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Preprocessing,
    Variant,
)
from keras_cnnzoo.layers import (
    EuclideanRBF,
    FanInUniform,
    PartialConv2D,
    Subsampling2D,
    scaled_tanh,
)

#: Table I: the maps of S2 that each of the 16 filters of C3 is connected to. Every
#: three and every four in a row, three fours with gaps, and all six.
TABLE_I = (
    *(tuple(sorted((i + k) % 6 for k in range(3))) for i in range(6)),
    *(tuple(sorted((i + k) % 6 for k in range(4))) for i in range(6)),
    *(tuple(sorted((i + k) % 6 for k in (0, 1, 3, 4))) for i in range(3)),
    tuple(range(6)),
)

#: Figure 3: the target of F6 for each digit, 7 by 12, with ink +1 and paper -1. This
#: follows public transcriptions of the figure, with the bars above 0, 2, 4 and 5.
FIGURE_3 = """
.#####. ...##.. .#####. ####### .#####. .#####. ..####. ####### .#####. .#####.
....... ..###.. ....... .....## ....... ....... .##.... .....## ##...## ##..###
..###.. .####.. .#####. ....##. ....... ####### ##..... .....## ##...## ##...##
.##.##. ...##.. ##...## ...##.. .##..## ##..... ##..... ....##. ##...## ##...##
##...## ...##.. #....## ..####. .##..## ##..... ######. ...##.. .#####. ##..###
##...## ...##.. ....##. .....## ###..## .####.. ###..## ...##.. ##...## .######
##...## ...##.. ..###.. .....## ##...## ..####. ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ##...## .....## ##...## ..##... ##...## .....##
.##.##. ...##.. ##..... ##...## ##..### ##...## ###..## ..##... ##...## ....##.
..###.. .###### ####### .#####. .###### .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
"""


@dataclass(frozen=True)
class Config:
    """The paper's choices, and common replacements.

    Attributes:
        pool: "subsample" (trainable, the paper's), "max", "avg" or "l2".
        activation: "scaled_tanh" (the paper's, with its initializers) or any activation
            of Keras (with He initialisation).
        partial: Whether C3 is connected by Table I, or else to all maps.
        head: "softmax" for a linear layer, or "rbf" for distances to the fixed codes of
            Figure 3.
    """

    pool: str = "subsample"
    activation: str = "scaled_tanh"
    partial: bool = True
    head: str = "softmax"

    def __post_init__(self) -> None:
        check_choice("pool", self.pool, ("subsample", *POOLS))
        check_choice("head", self.head, ("softmax", "rbf"))


def check_choice(field: str, given: str, known: tuple[str, ...]) -> None:
    """Raise an error unless the given option is one of the known ones."""
    if given not in known:
        raise ValueError(
            f"`{field}` of LeNet is one of {', '.join(map(repr, known))}. "
            f"Received: {given!r}"
        )


def squash(config: Any) -> Any:
    """Return the activation that a configuration names."""
    return scaled_tanh if config.activation == "scaled_tanh" else config.activation


def start(config: Any, **fan_ins: Any) -> dict[str, Any]:
    """Return an initializer for each weight whose fan-in is given."""
    if config.activation != "scaled_tanh":
        return {"kernel_initializer": "he_uniform"} if "kernel" in fan_ins else {}
    return {f"{weight}_initializer": FanInUniform(n) for weight, n in fan_ins.items()}


def convolve(x: KerasTensor, config: Any, filters: int, *, name: str) -> KerasTensor:
    """Convolve 5x5 with the configured activation and initializers."""
    fan_in = 25 * channels(x)
    return layers.Conv2D(
        filters,
        5,
        activation=squash(config),
        name=name,
        **start(config, kernel=fan_in, bias=fan_in),
    )(x)


def convolve_by_table(
    x: KerasTensor, config: Any, table: Sequence[Sequence[int]], *, name: str
) -> KerasTensor:
    """Convolve 5x5, each filter only on the input maps that the table lists."""
    return PartialConv2D(
        table,
        5,
        activation=squash(config),
        name=name,
        **start(
            config,
            kernel=[25 * len(maps) for maps in table for _ in maps],
            bias=[25 * len(maps) for maps in table],
        ),
    )(x)


def shrink(x: KerasTensor, config: Any, *, name: str) -> KerasTensor:
    """Halve the resolution, by trainable sub-sampling or by pooling."""
    if config.pool != "subsample":
        return pool(x, config.pool, name=name)
    return Subsampling2D(
        activation=squash(config), name=name, **start(config, coefficient=4, bias=4)
    )(x)


def body(x: KerasTensor, config: Config) -> Features:
    """Convolution and sub-sampling twice, a third convolution, and a dense layer."""
    c1 = convolve(x, config, 6, name="c1")
    s2 = shrink(c1, config, name="s2")
    c3 = (
        convolve_by_table(s2, config, TABLE_I, name="c3")
        if config.partial
        else convolve(s2, config, 16, name="c3")
    )
    s4 = shrink(c3, config, name="s4")
    c5 = convolve(s4, config, 120, name="c5")
    flat = layers.Flatten(name="flatten")(c5)
    f6 = layers.Dense(
        84,
        activation=squash(config),
        name="f6",
        **start(config, kernel=flat.shape[-1], bias=flat.shape[-1]),
    )(flat)
    return {"c1": c1, "s2": s2, "c3": c3, "s4": s4, "c5": c5, "f6": f6}


def digit_codes() -> list[list[float]]:
    """Return the ten codes of Figure 3, each as 84 values in row-major order."""
    rows = [line.split() for line in FIGURE_3.split("\n") if line]
    return [
        [1.0 if ink == "#" else -1.0 for ink in "".join(code)]
        for code in zip(*rows, strict=True)
    ]


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Classify by a linear layer, or by the distance of F6 to each digit's code."""
    if config.head == "softmax":
        values = start(config, kernel=x.shape[-1], bias=x.shape[-1])
        return logits(x, classes, activation=activation, **values)
    if classes != 10:
        raise ValueError(
            "`head='rbf'` holds the codes of the ten digits, so `classes` is 10. "
            f"Received: classes={classes}. Take head='softmax' for other classes."
        )
    return EuclideanRBF(
        digit_codes(),
        activation=activation,
        dtype=keras.config.dtype_policy().variable_dtype,
        name="head",
    )(x)


PAPER = Paper(
    title="Gradient-Based Learning Applied to Document Recognition",
    authors="LeCun, Bottou, Bengio, Haffner",
    year=1998,
    url="https://doi.org/10.1109/5.726791",
)

FAMILY = Family(
    name="lenet",
    body=body,
    head=head,
    paper=PAPER,
    input_shape=(32, 32, 1),
    classes=10,
    # The background, 0, becomes -0.1, and ink, 255, becomes 1.175.
    preprocessing=Preprocessing(mean=(20.0,), std=(200.0,)),
    variants={
        "lenet5": Variant(
            config=Config(),
            params=60_850,
            macs=326_520,
            claims=(
                Claim(
                    metric="MNIST test error %",
                    value=0.95,
                    source="https://doi.org/10.1109/5.726791",
                ),
            ),
            deviations=(
                "A linear layer with softmax replaces the paper's RBF units; "
                "`head='rbf'` restores them.",
            ),
        ),
        "lenet5_modern": Variant(
            config=Config(pool="max", activation="relu", partial=False),
            params=61_706,
            macs=416_520,
            deviations=(
                "ReLU, max pooling and an ordinary convolution for C3, as LeNet-5 is "
                "taught today.",
            ),
        ),
    },
    name_maps={"paper": NameMap(())},
)
