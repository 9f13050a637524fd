"""Gates: layers that weigh the channels of a map by what the map shows."""

import math
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.layers.registry import register_layer


@register_layer
class SqueezeExcite(keras.layers.Layer):
    """Scale each channel by a number in 0..1 computed from all channels' averages.

    Args:
        ratio: Hidden units as a share of the channels.
        divisor: The hidden units are rounded to a multiple of this, and never
            down by more than a tenth. timm rounds to 8; the paper does not.
        activation: Of the hidden units.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input and output `(batch, height, width, channels)`.

    Raises:
        ValueError: `ratio` is not above 0.

    Source:
        Hu et al., "Squeeze-and-Excitation Networks", 2017,
        https://arxiv.org/abs/1709.01507, section 3.
    """

    def __init__(
        self,
        ratio: float = 1 / 16,
        divisor: int = 1,
        activation: Any = "relu",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if ratio <= 0:
            raise ValueError(f"`ratio` must be above 0. Received: {ratio}")
        self.ratio = ratio
        self.divisor = divisor
        self.activation = keras.activations.get(activation)
        self.data_format = data_format or keras.config.image_data_format()
        last = self.data_format == "channels_last"
        self.axis, self.spatial = (-1, (1, 2)) if last else (1, (2, 3))

    def build(self, input_shape: tuple[Any, ...]) -> None:
        channels = input_shape[self.axis]
        hidden = _round_to(channels * self.ratio, self.divisor)
        self.fc1 = keras.layers.Dense(
            hidden, activation=self.activation, dtype=self.dtype_policy, name="fc1"
        )
        self.fc2 = keras.layers.Dense(
            channels, activation="sigmoid", dtype=self.dtype_policy, name="fc2"
        )
        self.fc1.build((None, channels))
        self.fc2.build((None, hidden))

    def call(self, inputs):
        gate = self.fc2(self.fc1(ops.mean(inputs, axis=self.spatial)))
        return inputs * ops.expand_dims(gate, self.spatial)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "ratio": self.ratio,
            "divisor": self.divisor,
            "activation": keras.activations.serialize(self.activation),
            "data_format": self.data_format,
        }


def _round_to(value: float, divisor: int) -> int:
    """Round to a multiple of `divisor`, at least one, losing at most a tenth."""
    rounded = max(divisor, math.floor(value / divisor + 0.5) * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded
