"""The highway block: a layer that learns how much of its input to replace."""

from typing import Any

import keras

from keras_cnnzoo.axes import channel_axis, standardize_data_format
from keras_cnnzoo.layers.composite import CompositeLayer, build_once
from keras_cnnzoo.layers.initializers import fresh
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class HighwayBlock(CompositeLayer):
    """Return `gate * body(x) + (1 - gate) * x`, with a gate for every activation.

    `body` is a convolution with an activation, and the gate is another convolution of
    `x` with a sigmoid. The sub-layers are `conv` and `gate`. The bias of the gate,
    `gate.bias`, is initialised below zero, so that at first the block passes most of
    its input unchanged. This allows very deep networks to train.

    Args:
        kernel_size: Kernel size of both convolutions.
        activation: Activation of the body, any that Keras knows.
        gate_bias: Initial value of the gate's biases.
        kernel_initializer: Kernel initializer of both convolutions.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input and output `(batch, height, width, channels)`.

    Source:
        Srivastava, Greff and Schmidhuber, "Training Very Deep Networks", 2015,
        https://arxiv.org/abs/1507.06228, section 2.

    Example:
        >>> block = HighwayBlock(gate_bias=-100.0)
        >>> float(block(keras.ops.full((1, 2, 2, 1), 3.0))[0, 0, 0, 0])
        3.0
    """

    def __init__(
        self,
        kernel_size: int = 3,
        activation: Any = "relu",
        gate_bias: float = -2.0,
        kernel_initializer: Any = "glorot_uniform",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.activation = keras.activations.get(activation)
        self.gate_bias = gate_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.data_format = standardize_data_format(data_format)
        self._axis = channel_axis(self.data_format)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        self._conv("conv", input_shape, activation=self.activation)
        self._conv(
            "gate",
            input_shape,
            activation="sigmoid",
            bias_initializer=keras.initializers.Constant(self.gate_bias),
        )

    def _conv(self, name: str, input_shape: tuple[Any, ...], **kwargs: Any) -> None:
        conv = self._make(
            name,
            keras.layers.Conv2D,
            input_shape[self._axis],
            self.kernel_size,
            padding="same",
            kernel_initializer=fresh(self.kernel_initializer),
            data_format=self.data_format,
            **kwargs,
        )
        build_once(conv, input_shape)

    def call(self, inputs: Any) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        return inputs + self.gate(inputs) * (self.conv(inputs) - inputs)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = ("kernel_size", "gate_bias", "data_format")
        return (
            super().get_config()
            | {name: getattr(self, name) for name in own}
            | {
                "activation": keras.activations.serialize(self.activation),
                "kernel_initializer": keras.initializers.serialize(
                    self.kernel_initializer
                ),
            }
        )
