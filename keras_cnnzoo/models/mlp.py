"""A multilayer perceptron: the baseline for convolutional networks on MNIST."""

from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.cards import Family, Features, Preprocessing, Variant
from keras_cnnzoo.models.lenet import PAPER


@dataclass(frozen=True)
class Config:
    """Units of the hidden layers, and their activation."""

    hidden: tuple[int, ...]
    activation: str = "relu"


def body(x: KerasTensor, config: Config) -> Features:
    """Flatten the pixels, then apply the dense layers."""
    x = layers.Flatten(name="flatten")(x)
    maps = {}
    for i, units in enumerate(config.hidden, start=1):
        x = layers.Dense(units, activation=config.activation, name=f"dense{i}")(x)
        maps[f"dense{i}"] = x
    return maps


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Classify by one linear layer."""
    return logits(x, classes, activation=activation)


FAMILY = Family(
    name="mlp",
    body=body,
    head=head,
    paper=PAPER,
    input_shape=(28, 28, 1),
    classes=10,
    preprocessing=Preprocessing(mean=(0.0,), std=(255.0,)),
    variants={
        "mlp": Variant(config=Config(hidden=(300, 100)), params=266_610, macs=266_200),
    },
    deviations=("The paper's hidden units are scaled hyperbolic tangents.",),
)
