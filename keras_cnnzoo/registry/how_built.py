"""Record how a model was built, in its first layer, for copies and files too."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras

from keras_cnnzoo.layers import ColorNormalization, ModelOrigin


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """How a model was built: the arguments of `build`, and the version of the package.

    Attributes:
        name: The model's name in `build`, even if the model was renamed.
        options: The options of the architecture that were passed.
        input_shape: Shape of the images, in `data_format`.
        classes: Number of classes; 0 if the model outputs features.
        preprocessing: Whether the model includes the layer that normalises images in
            0..255.
        classifier_activation: The activation after the logits.
        features: Names of the feature maps that the model outputs, in order; None if it
            outputs none.
        pooling: How the features of `classes=0` are pooled.
        data_format: "channels_last" or "channels_first".
        version: Version of keras-cnnzoo that built the model.
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
        """Keyword arguments with which `build(origin.name, ...)` builds it again."""
        own = ("name", "options", "data_format", "version")
        fields = [field.name for field in dataclasses.fields(self)]
        shared = {field: getattr(self, field) for field in fields if field not in own}
        return shared | dict(self.options)


def origin(model: keras.Model) -> Origin | None:
    """Return how `build` built a model; None if it did not.

    The origin survives saving and loading, renaming, `keras.models.clone_model` and
    `inspect.instrument`. It describes the network as `build` returned it, not layers
    that were added or removed later. A model that contains another one as a layer has
    no origin itself; pass the inner model.

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
    if len(held) != 1:  # not from `build`, or made of several networks
        return None
    found = {key: _unpacked(value) for key, value in held[0].items()}
    return Origin(**found)


def packed(origin: Origin) -> dict[str, Any]:
    """Convert an origin to a dictionary that JSON can represent."""
    fields = dataclasses.fields(origin)
    return {field.name: _packed(getattr(origin, field.name)) for field in fields}


def _packed(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_packed(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _packed(item) for key, item in value.items()}
    if hasattr(value, "item"):  # a NumPy number
        return value.item()
    return keras.saving.serialize_keras_object(value)


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_unpacked(item) for item in value)
    if isinstance(value, dict):
        if {"class_name", "config"} <= value.keys():
            try:
                return keras.saving.deserialize_keras_object(value)
            except (TypeError, ValueError):  # a lambda, which Keras refuses to load
                return value
        return {key: _unpacked(item) for key, item in value.items()}
    return value
