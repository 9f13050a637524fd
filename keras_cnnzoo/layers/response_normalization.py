"""Normalisation across the channels of a feature map by their norms."""

from typing import Any

import keras
from keras import ops

from keras_cnnzoo.axes import channel_axis, spatial_axes, standardize_data_format
from keras_cnnzoo.layers import power
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class GlobalResponseNormalization(keras.layers.Layer):
    """Amplify channels whose norm is above the mean norm of all channels.

    The layer computes the Euclidean norm of each channel over all positions, and
    divides it by the mean norm of all channels. The output is `x + gamma * x * share +
    beta`, where `share` is this ratio. `gamma` and `beta` are learned per channel and
    start at zero, so the layer starts as the identity.

    Args:
        epsilon: Added to the mean norm before the division.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input and output `(batch, height, width, channels)`.

    Source:
        Woo et al., "ConvNeXt V2: Co-designing and Scaling ConvNets with Masked
        Autoencoders", 2023, https://arxiv.org/abs/2301.00808, section 3.3.
    """

    def __init__(
        self, epsilon: float = 1e-6, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.data_format = standardize_data_format(data_format)
        self.axis = channel_axis(self.data_format)
        self.spatial = spatial_axes(self.data_format)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        shape = (input_shape[self.axis],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="zeros")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")

    def call(self, inputs: Any) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        norm = power.lp_norm(power.widen(inputs), 2, self._total, self.spatial)
        share = norm / (ops.mean(norm, self.axis, keepdims=True) + self.epsilon)
        scaled = inputs * ops.cast(share, inputs.dtype)
        return inputs + self._along(self.gamma) * scaled + self._along(self.beta)

    def _total(self, x: Any) -> Any:
        return ops.sum(x, self.spatial, keepdims=True)

    def _along(self, weight: Any) -> Any:
        """Reshape a weight so that it broadcasts along the channel axis."""
        shape = [1, 1, 1, 1]
        shape[self.axis] = -1
        return ops.reshape(weight, shape)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = ("epsilon", "data_format")
        return super().get_config() | {name: getattr(self, name) for name in own}
