"""How a model was built: kept in its first layer, and so saved and copied with it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras

from keras_cnnzoo.layers import ColorNormalization, ModelOrigin


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """How a model was built: the arguments that `build` was given, and when.

    Attributes:
        name: The name `build` knows it by, whatever the model is called now.
        options: Options of the architecture that were given.
        input_shape: As `build` takes it, in `data_format`.
        classes: Number of classes; 0 where it gives features.
        preprocessing: Whether it begins with the layer that takes images of 0..255.
        classifier_activation: What its logits are passed through.
        features: Names of the maps that it gives, in order; None where it gives its
            output.
        pooling: How features of `classes=0` are pooled.
        data_format: "channels_last" or "channels_first".
        version: Version of keras-cnnzoo that built it.
    """

    name: str
    options: Mapping[str, Any]
    input_shape: tuple[int | None, ...]
    classes: int
    preprocessing: bool
    classifier_activation: Any
    features: tuple[str, ...] | None
    pooling: str | None
    data_format: str
    version: str

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments that have `build(origin.name, ...)` build it once more."""
        own = ("name", "options", "data_format", "version")
        fields = [field.name for field in dataclasses.fields(self)]
        shared = {field: getattr(self, field) for field in fields if field not in own}
        return shared | dict(self.options)


def origin(model: keras.Model) -> Origin | None:
    """Return how a model was built by `build`, or None where it was not.

    It is found after saving and loading, renaming, `keras.models.clone_model` and
    `inspect.instrument`. It says how the network was built that a model begins with:
    layers that were put on top of it, or cut off, since then do not show. A model that
    holds another one as a layer has no origin itself; ask the one inside.

    Args:
        model: Any Keras model.

    Example:
        >>> from keras_cnnzoo import build
        >>> origin(build("lenet5", classes=26, pool="max")).options
        {'pool': 'max'}
    """
    held = [
        layer.origin
        for layer in model.layers
        if isinstance(layer, ColorNormalization | ModelOrigin) and layer.origin
    ]
    if len(held) != 1:  # none, or several networks on one image
        return None
    found = {key: _unpacked(value) for key, value in held[0].items()}
    return Origin(**found)


def packed(origin: Origin) -> dict[str, Any]:
    """Return an origin as a dictionary of what JSON can hold."""
    fields = dataclasses.fields(origin)
    return {field.name: _packed(getattr(origin, field.name)) for field in fields}


def _packed(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_packed(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _packed(item) for key, item in value.items()}
    if hasattr(value, "item"):  # a number of NumPy's
        return value.item()
    return keras.saving.serialize_keras_object(value)


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_unpacked(item) for item in value)
    if isinstance(value, dict):
        if {"class_name", "config"} <= value.keys():
            try:
                return keras.saving.deserialize_keras_object(value)
            except (TypeError, ValueError):  # a lambda, which is never revived
                return value
        return {key: _unpacked(item) for key, item in value.items()}
    return value
