"""The first layer of every model: from pixels to what the network was trained on."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.axes import channel_axis, is_channels_last, standardize_data_format
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class ColorNormalization(keras.layers.Layer):
    """Map the channels of each pixel by one affine map: `y = x @ matrix + offset`.

    Scale, mean, standard deviation and channel order of every published convention
    are one such map. It is held in two non-trainable weights, so the constants
    travel with the weights of a model: loading a source sets them, saving keeps
    them, and a model is never fed by another model's convention.

    The arithmetic is done in full precision whatever the policy, since pixels of
    0..255 lose their last bits in half precision.

    Args:
        matrix: `(channels, channels)` start values, rows by input channel. None
            starts at the identity.
        offset: `channels` start values. None starts at zero.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        origin: How the model that begins with this layer was built, which
            `keras_cnnzoo.origin` reads: a dictionary of what JSON can hold, or None.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input and output `(batch, ..., channels)`, or `(batch, channels, ...)` under
        "channels_first". The output has the layer's compute dtype.

    Raises:
        ValueError: The input's channels are not those of `matrix` and `offset`.

    Example:
        >>> grey = ColorNormalization(matrix=[[1 / 255]], offset=[-0.5])
        >>> float(grey(keras.ops.full((1, 1, 1, 1), 255.0))[0, 0, 0, 0])
        0.5
    """

    def __init__(
        self,
        matrix: Any = None,
        offset: Any = None,
        data_format: str | None = None,
        origin: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.initial_matrix = None if matrix is None else _floats(matrix)
        self.initial_offset = None if offset is None else _floats(offset)
        self.data_format = standardize_data_format(data_format)
        self.origin = None if origin is None else dict(origin)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        axis = channel_axis(self.data_format)
        channels = input_shape[axis]
        for given in (self.initial_matrix, self.initial_offset):
            if given is not None and len(given) != channels:
                raise ValueError(
                    f"{self.name!r} holds constants for {len(given)} channels, and "
                    f"its input has {channels}: {tuple(input_shape)}."
                )
        self.input_spec = keras.InputSpec(axes={axis: channels})
        wide = keras.backend.result_type(self.variable_dtype, "float32")
        self.matrix = self.add_weight(
            name="matrix",
            shape=(channels, channels),
            initializer=_start(self.initial_matrix, "identity"),
            trainable=False,
            dtype=wide,
        )
        self.offset = self.add_weight(
            name="offset",
            shape=(channels,),
            initializer=_start(self.initial_offset, "zeros"),
            trainable=False,
            dtype=wide,
        )

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.matrix.dtype)
        if not is_channels_last(self.data_format):
            x = ops.moveaxis(x, 1, -1)
        x = ops.matmul(x, self.matrix) + self.offset
        if not is_channels_last(self.data_format):
            x = ops.moveaxis(x, -1, 1)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "matrix": self.initial_matrix,
            "offset": self.initial_offset,
            "data_format": self.data_format,
            "origin": self.origin,
        }


def _floats(values: Any) -> Any:
    """Return plain nested lists, which a config can hold whatever came in."""
    return ops.convert_to_numpy(ops.convert_to_tensor(values, "float32")).tolist()


def _start(values: Any, default: str) -> Any:
    if values is None:
        return default
    return lambda shape, dtype=None: ops.convert_to_tensor(values, dtype)
