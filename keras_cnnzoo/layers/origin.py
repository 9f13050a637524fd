"""A layer that stores how the model that begins with it was built."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class ModelOrigin(keras.layers.Identity):
    """Return the input, integers as floats, and store how the model was built.

    A model that begins with a `ColorNormalization` stores its origin there. Other
    models begin with this layer, which has no weights, so that the origin is saved and
    copied with the model. `keras_cnnzoo.origin` reads it.

    Args:
        origin: A JSON-serializable dictionary, or None.
        **kwargs: `name` and the like, for `keras.layers.Layer`.

    Shape:
        The output has the input's shape and the layer's compute dtype.

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
