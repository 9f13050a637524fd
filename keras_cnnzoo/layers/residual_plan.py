"""The parts of a residual block: its convolutions as data, its gate, its own layers."""

from typing import Any, NamedTuple, TypeAlias

import keras

from keras_cnnzoo.layers.attention import GATES

Shape: TypeAlias = tuple[int | None, ...]
BODIES = ("basic", "bottleneck")
#: Allowed values of the block's arguments.
CHOICES = {
    "version": ("v1", "v1.5", "v2"),
    "shortcut": ("auto", "identity", "projection", "average", "pad"),
    "padding": ("symmetric", "same"),
    "record": (None, "off", "stats", "maps"),
}
#: Arguments that the config stores unchanged.
PLAIN = (
    *("filters", "strides", "version", "shortcut", "width", "cardinality"),
    *("dropout", "drop_path", "zero_init", "padding", "use_bias"),
    *("bn_momentum", "bn_epsilon", "data_format"),
)


class Step(NamedTuple):
    """One convolution of a body."""

    kernel: int
    filters: int
    strides: int = 1
    groups: int = 1


def plan(
    body: str,
    *,
    filters: int | None,
    width: int | None,
    strides: int,
    groups: int,
    early: bool,
) -> list[Step]:
    """List the convolutions; `early` puts a bottleneck's stride in its first 1x1.

    Raises:
        ValueError: The body is unknown, or the arguments do not fit it.
    """
    if body not in BODIES:
        raise ValueError(
            f"`body` is one of {BODIES}, a layer or a list of layers. "
            f"Received: {body!r}"
        )
    if filters is None:
        raise ValueError(f"A {body} body needs `filters`, the channels it gives.")
    if body == "basic":
        if groups > 1:
            raise ValueError(
                "Groups belong to the 3x3 of a bottleneck: use body='bottleneck', or "
                f"cardinality=1. Received: cardinality={groups}"
            )
        return [Step(3, width or filters, strides), Step(3, filters)]
    width = width or filters // 4
    if width % groups:
        raise ValueError(
            f"The {width} channels inside do not divide into {groups} groups. Choose "
            "`width` as a multiple of `cardinality`."
        )
    return [
        Step(1, width, strides if early else 1),
        Step(3, width, 1 if early else strides, groups),
        Step(1, filters),
    ]


def check_choices(block: Any) -> None:
    """Raise an error if an argument of a block is not one of its choices."""
    for name, choices in CHOICES.items():
        if (value := getattr(block, name)) not in choices:
            raise ValueError(f"`{name}` is one of {choices}. Received: {value!r}")


def gate_class(gate: str) -> Any:
    """Return the class, or a factory, of the gate of that name.

    Raises:
        ValueError: There is no gate of that name.
    """
    if gate not in GATES:
        raise ValueError(
            f"`gate` is one of {sorted(GATES)} or a layer. Received: {gate!r}"
        )
    return GATES[gate]


def own_layers(body: Any) -> list[keras.layers.Layer]:
    """Return the layers of the user's own body, or none for a body given by name."""
    if isinstance(body, str):
        return []
    return list(body) if isinstance(body, list | tuple) else [body]
