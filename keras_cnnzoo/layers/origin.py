"""A layer that only remembers: how the model that begins with it was built."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class ModelOrigin(keras.layers.Identity):
    """Pass images on, integers as floats, and hold how the model was built.

    A model that begins with a `ColorNormalization` has its origin there. Where there is
    none, this layer of no weights and no arithmetic holds it, so that it is saved with
    the model and copied with it. `keras_cnnzoo.origin` reads it.

    Args:
        origin: A dictionary of what JSON can hold, or None.
        **kwargs: `name` and the like, for `keras.layers.Layer`.

    Shape:
        Output and input are the same, in the layer's compute dtype.

    Example:
        >>> layer = ModelOrigin({"name": "lenet5"})
        >>> layer.get_config()["origin"]
        {'name': 'lenet5'}
    """

    def __init__(self, origin: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.origin = None if origin is None else dict(origin)

    def call(self, inputs: Any) -> Any:
        return super().call(as_floats(inputs, self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return super().get_config() | {"origin": self.origin}
