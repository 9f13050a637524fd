"""Trainable sub-sampling, as in LeNet before max pooling was common."""

import math
from typing import Any

import keras
from keras import KerasTensor, ops

from keras_cnnzoo.axes import channel_axis, is_channels_last, standardize_data_format
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class Subsampling2D(keras.layers.Layer):
    """Sum every window, multiply by a coefficient and add a bias, both per channel.

    This is average pooling with a learned gain and bias per channel. Followed by a
    squashing activation, a small coefficient blurs the feature map; a large one makes
    each output a noisy OR or AND of its window, depending on the bias.

    Args:
        pool_size: Window height and width; one int makes it square.
        strides: Step between windows; None steps by `pool_size`.
        activation: Activation of the output, by name or as a function.
        coefficient_initializer: Initializer of the coefficients. None takes one over
            the window's area, which is average pooling.
        bias_initializer: Initializer of the biases.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, height, width, channels)`, output `(batch, new_height,
        new_width, channels)`; channels second under "channels_first". Rows and columns
        beyond the last whole window are dropped.

    Source:
        LeCun et al., "Gradient-Based Learning Applied to Document Recognition",
        1998, section II.B, layers S2 and S4, https://doi.org/10.1109/5.726791.

    Example:
        >>> x = keras.ops.reshape([1.0, 2.0, 3.0, 4.0], (1, 2, 2, 1))
        >>> float(Subsampling2D(coefficient_initializer="ones")(x)[0, 0, 0, 0])
        10.0
    """

    def __init__(
        self,
        pool_size: int | tuple[int, int] = 2,
        strides: int | tuple[int, int] | None = None,
        activation: Any = None,
        coefficient_initializer: Any = None,
        bias_initializer: Any = "zeros",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size = _pair(pool_size)
        # Resolved here: ops.average_pool(strides=None) fails on JAX (Keras 3.15.1).
        self.strides = self.pool_size if strides is None else _pair(strides)
        self.activation = keras.activations.get(activation)
        self.coefficient_initializer = keras.initializers.get(
            coefficient_initializer
            or keras.initializers.Constant(1 / math.prod(self.pool_size))
        )
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.data_format = standardize_data_format(data_format)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[channel_axis(self.data_format)]
        self.coefficient = self.add_weight(
            name="coefficient",
            shape=(channels,),
            initializer=self.coefficient_initializer,
        )
        self.bias = self.add_weight(
            name="bias", shape=(channels,), initializer=self.bias_initializer
        )

    def call(self, inputs: Any) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        mean = ops.average_pool(
            inputs, self.pool_size, self.strides, "valid", self.data_format
        )
        coefficient, bias = ops.convert_to_tensor(self.coefficient), self.bias
        if not is_channels_last(self.data_format):
            coefficient = ops.reshape(coefficient, (-1, 1, 1))
            bias = ops.reshape(bias, (-1, 1, 1))
        return self.activation(mean * (coefficient * math.prod(self.pool_size)) + bias)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        x = KerasTensor(input_shape)
        return ops.average_pool(
            x, self.pool_size, self.strides, "valid", self.data_format
        ).shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "pool_size": self.pool_size,
            "strides": self.strides,
            "activation": keras.activations.serialize(self.activation),
            "coefficient_initializer": keras.initializers.serialize(
                self.coefficient_initializer
            ),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "data_format": self.data_format,
        }


def _pair(size: Any) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, int) else tuple(size)
    if len(pair) != 2 or not all(isinstance(n, int) and n > 0 for n in pair):
        raise ValueError(
            f"A window's size and step are one or two positive ints. Received: {size!r}"
        )
    return pair
