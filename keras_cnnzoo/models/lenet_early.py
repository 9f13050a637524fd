"""LeNet-1 and LeNet-4: smaller networks that preceded LeNet-5."""

from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channel_axis
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.blocks.pooling import POOLS
from keras_cnnzoo.cards import (
    Claim,
    Family,
    Features,
    NameMap,
    Paper,
    Preprocessing,
    Variant,
)
from keras_cnnzoo.models.lenet import (
    PAPER,
    check_choice,
    convolve,
    convolve_by_table,
    shrink,
    squash,
    start,
)

#: Table 1 of the 1990 paper: the maps of H2 that each filter of H3 is connected to. The
#: two halves of the network are joined only at the output.
TABLE_1 = tuple(
    tuple(first + i for i in maps)
    for first in (0, 2)
    for maps in ((0,), (0, 1), (0, 1), (1,), (0, 1), (0, 1))
)
#: The paper has no table for LeNet-4. Three maps per filter give its stated number of
#: connections: here, every three in a row, and as many with gaps.
THREES = tuple(
    tuple(sorted((i + k) % 8 for k in steps))
    for steps in ((0, 1, 2), (0, 2, 5))
    for i in range(8)
)


@dataclass(frozen=True)
class Config:
    """The differences between the two networks, and common replacements.

    Attributes:
        table: The input maps of each filter of the second convolution.
        copies: Number of sub-sampled maps for each map of the first convolution.
        hidden: Units of the hidden layer before the output; 0 for no such layer.
        pool: "subsample" (trainable, the papers'), "max", "avg" or "l2".
        activation: "scaled_tanh" (the papers', with its initializers) or any activation
            of Keras (with He initialisation).
    """

    table: tuple[tuple[int, ...], ...]
    copies: int = 1
    hidden: int = 0
    pool: str = "subsample"
    activation: str = "scaled_tanh"

    def __post_init__(self) -> None:
        check_choice("pool", self.pool, ("subsample", *POOLS))


def body(x: KerasTensor, config: Config) -> Features:
    """Convolution and sub-sampling twice; LeNet-4 adds a hidden layer."""
    c1 = convolve(x, config, 4, name="c1")
    x = c1
    if config.copies > 1:
        x = layers.Concatenate(channel_axis(), name="copies")([x] * config.copies)
    s2 = shrink(x, config, name="s2")
    c3 = convolve_by_table(s2, config, config.table, name="c3")
    s4 = shrink(c3, config, name="s4")
    x = layers.Flatten(name="flatten")(s4)
    maps = {"c1": c1, "s2": s2, "c3": c3, "s4": s4}
    if not config.hidden:
        return maps | {"flatten": x}
    fan_in = x.shape[-1]
    f5 = layers.Dense(
        config.hidden,
        activation=squash(config),
        name="f5",
        **start(config, kernel=fan_in, bias=fan_in),
    )(x)
    return maps | {"f5": f5}


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Classify by one linear layer."""
    values = start(config, kernel=x.shape[-1], bias=x.shape[-1])
    return logits(x, classes, activation=activation, **values)


def _claim(error: float) -> tuple[Claim, ...]:
    return (Claim(metric="MNIST test error %", value=error, source=PAPER.url),)


FAMILY = Family(
    name="lenet_early",
    body=body,
    head=head,
    paper=PAPER,
    input_shape=(28, 28, 1),
    classes=10,
    variants={
        "lenet1": Variant(
            config=Config(TABLE_1),
            # The number of parameters that the paper states.
            params=2_578,
            macs=91_520,
            paper=Paper(
                title="Handwritten Digit Recognition with a Back-Propagation Network",
                authors="LeCun, Boser, Denker, Henderson, Howard, Hubbard, Jackel",
                year=1990,
                url="https://papers.nips.cc/paper/293-handwritten-digit-recognition-with-a-back-propagation-network",
            ),
            # Scales grey levels to -1..1.
            preprocessing=Preprocessing(mean=(127.5,), std=(127.5,)),
            claims=_claim(1.7),
            deviations=(
                "In the papers, digits of 16x16 pixels are centred in the 28x28 image.",
                "The output is a softmax; the paper's ten output units are scaled "
                "tanh.",
            ),
        ),
        "lenet4": Variant(
            config=Config(THREES, copies=2, hidden=120),
            params=50_698,
            macs=247_600,
            input_shape=(32, 32, 1),
            claims=_claim(1.1),
            deviations=(
                "The paper has no connection table for the second convolution: here "
                "each filter uses 3 of the 8 input channels, which gives the paper's "
                "260,000 connections.",
                "The paper states 17,000 free parameters, fewer than its layers have.",
            ),
        ),
    },
    # As for LeNet-5: the background becomes -0.1, and ink 1.175.
    preprocessing=Preprocessing(mean=(20.0,), std=(200.0,)),
    name_maps={"paper": NameMap(())},
)
