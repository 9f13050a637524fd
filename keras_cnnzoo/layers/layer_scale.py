"""A learned factor per channel for the output of a residual branch."""

from typing import Any

import keras
from keras import ops

from keras_cnnzoo.axes import channel_axis, standardize_data_format
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class LayerScale(keras.layers.Layer):
    """Multiply each channel by a learned factor that is initialised near zero.

    A residual block is then initially close to the identity, which helps very deep
    networks to train.

    Args:
        initial: Initial value of the factors.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input and output `(batch, height, width, channels)`.

    Source:
        Touvron et al., "Going deeper with Image Transformers", 2021,
        https://arxiv.org/abs/2103.17239, section 2.

    Example:
        >>> import numpy as np
        >>> y = LayerScale(initial=0.5)(np.ones((1, 4, 4, 3)))
        >>> float(y[0, 0, 0, 0])
        0.5
    """

    def __init__(
        self, initial: float = 1e-6, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.initial = initial
        self.data_format = standardize_data_format(data_format)
        self.axis = channel_axis(self.data_format)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        self.gamma = self.add_weight(
            name="gamma",
            shape=(input_shape[self.axis],),
            initializer=keras.initializers.Constant(self.initial),
        )

    def call(self, inputs: Any) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        shape = [1] * len(inputs.shape)
        shape[self.axis] = -1
        return inputs * ops.reshape(self.gamma, shape)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = ("initial", "data_format")
        return super().get_config() | {name: getattr(self, name) for name in own}
