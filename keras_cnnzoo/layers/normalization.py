"""The preprocessing layer with which the models begin."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.axes import channel_axis, is_channels_last, standardize_data_format
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class ColorNormalization(keras.layers.Layer):
    """Apply an affine map to the channels of each pixel: `y = x @ matrix + offset`.

    Such a map expresses the scale, mean, standard deviation and channel order of every
    published preprocessing. It is stored in two non-trainable weights, so the constants
    stay with the weights of a model: loading weights sets them, and saving keeps them.
    A model thus never runs with the preprocessing of another.

    The layer computes in at least float32, whatever the dtype policy, since pixels of
    0..255 lose precision in half precision.

    Args:
        matrix: Initial matrix of shape `(channels, channels)`, one row per input
            channel. None is the identity.
        offset: Initial offsets, one per channel. None is zero.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        origin: A JSON-serializable dictionary that describes how the model was built,
            for `keras_cnnzoo.origin`, or None.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input and output `(batch, ..., channels)`, or `(batch, channels, ...)` under
        "channels_first". The output has the layer's compute dtype.

    Raises:
        ValueError: `matrix` or `offset` does not fit the number of input channels.

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
                    f"{self.name!r} has constants for {len(given)} channels, but "
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
    """Return nested lists of floats, which a config can hold."""
    return ops.convert_to_numpy(ops.convert_to_tensor(values, "float32")).tolist()


def _start(values: Any, default: str) -> Any:
    if values is None:
        return default
    return lambda shape, dtype=None: ops.convert_to_tensor(values, dtype)
