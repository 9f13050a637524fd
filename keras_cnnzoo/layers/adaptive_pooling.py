"""Average pooling to a fixed output size."""

from typing import Any

import keras
from keras import ops

from keras_cnnzoo.axes import is_channels_last, standardize_data_format
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer
from keras_cnnzoo.layers.stateless import is_stateless


@register_layer
class AdaptivePooling2D(keras.layers.Layer):
    """Average pool a feature map to a fixed size, which may be larger than the input.

    Under JAX, Keras 3.15's `AdaptiveAveragePooling2D` returns NaN for a size larger
    than the input, and raises an error for an input of a single pixel.

    Args:
        size: Height and width of the output.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, height, width, channels)`, output `(batch, size, size,
        channels)`. Window i covers rows `floor(i * height / size)` to
        `ceil((i + 1) * height / size)`, as in PyTorch.

    Raises:
        ValueError: `size` is below 1.

    Example:
        >>> x = keras.ops.reshape(keras.ops.arange(4.0), (1, 1, 4, 1))
        >>> keras.ops.convert_to_numpy(AdaptivePooling2D(2)(x))[0, 0].ravel().tolist()
        [0.5, 2.5]
    """

    def __init__(
        self, size: int, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if size < 1:
            raise ValueError(f"`size` is at least 1. Received: {size}")
        self.size = size
        self.data_format = standardize_data_format(data_format)
        last = is_channels_last(self.data_format)
        self._spatial = slice(1, 3) if last else slice(2, 4)
        self._terms = "bhwc,ih,jw->bijc" if last else "bchw,ih,jw->bcij"
        self.built = is_stateless(self)

    def call(self, inputs: Any) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        sides = ops.shape(inputs)[self._spatial]
        rows, columns = (ops.cast(self._shares(side), inputs.dtype) for side in sides)
        return ops.einsum(self._terms, inputs, rows, columns)

    def _shares(self, side: Any) -> Any:
        """Return the weight of each row in the average of each window."""
        window = ops.expand_dims(ops.arange(self.size), 1)
        start = window * side // self.size
        stop = ((window + 1) * side + self.size - 1) // self.size
        row = ops.arange(side)
        inside = ops.cast((row >= start) & (row < stop), "float32")
        return inside / ops.sum(inside, axis=1, keepdims=True)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        shape = list(input_shape)
        shape[self._spatial] = [self.size, self.size]
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        own = ("size", "data_format")
        return super().get_config() | {name: getattr(self, name) for name in own}
