"""The Deep Q-Network: maps four grey frames of a game to the value of each action."""

from dataclasses import dataclass
from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.blocks.conv import conv
from keras_cnnzoo.blocks.heads import logits, on_last_map
from keras_cnnzoo.cards import (
    CONTROL,
    Family,
    Features,
    NameMap,
    Paper,
    Preprocessing,
    Variant,
)


@dataclass(frozen=True)
class Config:
    """Channels, kernel size and stride by convolution; units of the dense layer."""

    convs: tuple[tuple[int, int, int], ...] = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
    units: int = 512


def body(x: KerasTensor, config: Config) -> Features:
    """Convolutions without padding, then one dense layer."""
    maps = {}
    for i, (width, kernel, stride) in enumerate(config.convs, start=1):
        x = maps[f"stage{i}"] = conv(
            x,
            width,
            kernel,
            stride=stride,
            padding="valid",
            activation="relu",
            name=f"conv{i}",
        )
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(
        config.units, activation="relu", kernel_initializer="he_uniform", name="fc"
    )(x)
    return maps | {"fc": x}


@on_last_map
def head(
    x: KerasTensor, config: Config, *, classes: int, activation: Any
) -> KerasTensor:
    """Return the values of the actions; they are unbounded, so without activation."""
    return logits(x, classes)


FAMILY = Family(
    name="dqn",
    body=body,
    head=head,
    paper=Paper(
        title="Human-level control through deep reinforcement learning",
        authors="Mnih, Kavukcuoglu, Silver, Rusu, Veness, et al.",
        year=2015,
        url="https://doi.org/10.1038/nature14236",
    ),
    input_shape=(84, 84, 4),
    # All actions of the Atari joystick; most games use fewer.
    classes=18,
    preprocessing=Preprocessing(mean=(0.0,) * 4, std=(255.0,) * 4),
    task=CONTROL,
    variants={"dqn_nature": Variant(config=Config(), params=1_693_362, macs=9_352_192)},
    name_maps={"paper": NameMap(())},
    deviations=(
        "`classes` is the number of actions, and `classifier_activation` has no "
        "effect: the values of actions are not probabilities.",
    ),
)
