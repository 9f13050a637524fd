"""Describe a layer in a few words."""

import re
from typing import Any

import keras


def describe(layer: keras.layers.Layer) -> str:
    """Describe a layer in one line.

    Example:
        >>> describe(keras.layers.Conv2D(8, 3, strides=2, activation="relu"))
        '3×3 convolution, 8 filters, stride 2, relu'
        >>> describe(keras.layers.BatchNormalization())
        'batch normalisation'
    """
    kind = next((words for base, words in _KINDS if isinstance(layer, base)), None)
    if kind is None:
        kind = _convolution if hasattr(layer, "kernel_size") else _plain_name
    parts = [kind(layer)]
    for name, value in (
        ("stride", _square(getattr(layer, "strides", None))),
        ("dilation", _square(getattr(layer, "dilation_rate", None))),
        ("groups", getattr(layer, "groups", None)),
    ):
        if value not in (None, 1, "1"):
            parts.append(f"{value} groups" if name == "groups" else f"{name} {value}")
    activation = activation_name(layer)
    if activation and not isinstance(layer, keras.layers.Activation):
        parts.append(activation)
    return ", ".join(parts)


def activation_name(layer: keras.layers.Layer) -> str | None:
    """Return the name of a layer's activation; None if it has none or is linear."""
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    return None if name in (None, "linear") else name


def _square(value: Any) -> str | None:
    """Format a stride or dilation: "3" for (3, 3), "1×3" for (1, 3)."""
    if value is None or isinstance(value, int):
        return value if value is None else str(value)
    sides = [str(side) for side in value]
    return sides[0] if len(set(sides)) == 1 else "×".join(sides)


def _by(value: Any) -> str:
    sides = value if isinstance(value, list | tuple) else (value, value)
    return "×".join(str(side) for side in sides)


def _convolution(layer: keras.layers.Layer) -> str:
    name = re.sub(r"Conv\dD(Transpose)?$", r"\1", type(layer).__name__)
    words = [w for w in _split(name) if w != "instrumented"]
    filters = getattr(layer, "filters", None)
    return " ".join([_by(layer.kernel_size), *words, "convolution"]) + (
        f", {filters} filters" if filters else ""
    )


def _split(name: str) -> list[str]:
    """Split CamelCase, such as "LocalResponseNormalization", into lower-case words.

    Names such as "ReLU" or "RBF" stay as they are. Dimensions such as "2D" are left
    out.
    """
    found = re.findall(r"ReLU\d?|PReLU|\dD|[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+", name)
    return [w if w.isupper() or "LU" in w else w.lower() for w in found if w[1:] != "D"]


def _plain_name(layer: keras.layers.Layer) -> str:
    name = " ".join(_split(type(layer).__name__)) or type(layer).__name__
    window = getattr(layer, "pool_size", None)
    return name if window is None else f"{_by(window)} {name}"


_KINDS = (
    (
        keras.layers.DepthwiseConv2D,
        lambda layer: f"{_by(layer.kernel_size)} depthwise convolution",
    ),
    (keras.layers.Dense, lambda layer: f"dense, {layer.units} units"),
    (keras.layers.BatchNormalization, lambda layer: "batch normalisation"),
    (keras.layers.LayerNormalization, lambda layer: "layer normalisation"),
    (keras.layers.GlobalAveragePooling2D, lambda layer: "mean of each map"),
    (keras.layers.GlobalMaxPooling2D, lambda layer: "maximum of each map"),
    (
        keras.layers.Activation,
        lambda layer: activation_name(layer) or "no activation",
    ),
    (keras.Sequential, lambda layer: f"model of {len(layer.layers)} layers"),
    (keras.Model, lambda layer: f"model of {len(layer.layers)} layers"),
)
