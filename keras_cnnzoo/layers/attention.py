"""Attention modules: layers that rescale channels, depending on the input."""

import functools
import math
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.axes import channel_axis, spatial_axes, standardize_data_format
from keras_cnnzoo.layers.composite import CompositeLayer, build_once
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class SqueezeExcite(CompositeLayer):
    """Scale each channel by a factor in 0..1, computed from the means of all channels.

    Args:
        ratio: Hidden units as a share of the channels.
        divisor: The number of hidden units is rounded to a multiple of this, and never
            down by more than a tenth. timm rounds to 8; the paper does not round.
        activation: Activation of the hidden units.
        gate_activation: Activation of the factors, such as "sigmoid" or "hard_sigmoid".
        hidden: Number of hidden units; None computes it from `ratio` and `divisor`.
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
        gate_activation: Any = "sigmoid",
        hidden: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if ratio <= 0:
            raise ValueError(f"`ratio` must be above 0. Received: {ratio}")
        self.ratio = ratio
        self.divisor = divisor
        self.activation = keras.activations.get(activation)
        self.gate_activation = keras.activations.get(gate_activation)
        self.hidden = hidden
        self.data_format = standardize_data_format(data_format)
        self.axis = channel_axis(self.data_format)
        self.spatial = spatial_axes(self.data_format)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        channels = input_shape[self.axis]
        hidden = self.hidden or round_to(channels * self.ratio, self.divisor)
        dense = keras.layers.Dense
        self._make("fc1", dense, hidden, activation=self.activation)
        self._make("fc2", dense, channels, activation=self.gate_activation)
        build_once(self.fc1, (None, channels))
        build_once(self.fc2, (None, hidden))

    def call(self, inputs: Any) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
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
            "gate_activation": keras.activations.serialize(self.gate_activation),
            "hidden": self.hidden,
            "data_format": self.data_format,
        }


@register_layer
class EfficientChannelAttention(CompositeLayer):
    """Scale each channel by a factor computed from the means of neighbouring channels.

    The factors come from a 1D convolution over the channels, whose kernel size grows
    with the number of channels.

    Args:
        gamma, beta: The kernel size is about `(log2(channels) + beta) / gamma`, made
            odd.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input and output `(batch, height, width, channels)`.

    Source:
        Wang et al., "ECA-Net: Efficient Channel Attention for Deep Convolutional
        Neural Networks", 2020, https://arxiv.org/abs/1910.03151, section 3.2.
    """

    def __init__(
        self,
        gamma: float = 2,
        beta: float = 1,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.gamma = gamma
        self.beta = beta
        self.data_format = standardize_data_format(data_format)
        self.axis = channel_axis(self.data_format)
        self.spatial = spatial_axes(self.data_format)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        channels = input_shape[self.axis]
        taps = int(abs(math.log2(channels) + self.beta) / self.gamma)
        self._make(
            "conv",
            keras.layers.Conv1D,
            1,
            max(taps | 1, 3),
            padding="same",
            data_format="channels_last",
            use_bias=False,
        )
        build_once(self.conv, (None, channels, 1))

    def call(self, inputs: Any) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        line = ops.expand_dims(ops.mean(inputs, axis=self.spatial), -1)
        gate = ops.squeeze(ops.sigmoid(self.conv(line)), -1)
        return inputs * ops.expand_dims(gate, self.spatial)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = ("gamma", "beta", "data_format")
        return super().get_config() | {name: getattr(self, name) for name in own}


@register_layer
class ConvolutionalBlockAttention(CompositeLayer):
    """Scale each channel, then each position: CBAM.

    The mean and the maximum of each channel pass through two shared dense layers to a
    factor per channel. The mean and the maximum over the channels pass through a
    convolution to a factor per position.

    Args:
        ratio: Hidden units as a share of the channels.
        kernel_size: Kernel size of the convolution.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input and output `(batch, height, width, channels)`.

    Raises:
        ValueError: `ratio` is not above 0.

    Source:
        Woo et al., "CBAM: Convolutional Block Attention Module", 2018,
        https://arxiv.org/abs/1807.06521, section 3.
    """

    def __init__(
        self,
        ratio: float = 1 / 16,
        kernel_size: int = 7,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if ratio <= 0:
            raise ValueError(f"`ratio` must be above 0. Received: {ratio}")
        self.ratio = ratio
        self.kernel_size = kernel_size
        self.data_format = standardize_data_format(data_format)
        self.axis = channel_axis(self.data_format)
        self.spatial = spatial_axes(self.data_format)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        channels = input_shape[self.axis]
        kl, hidden = keras.layers, round_to(channels * self.ratio, 1)
        self._make("fc1", kl.Dense, hidden, activation="relu", use_bias=False)
        self._make("fc2", kl.Dense, channels, use_bias=False)
        self._make(
            "conv",
            kl.Conv2D,
            1,
            self.kernel_size,
            padding="same",
            data_format=self.data_format,
            use_bias=False,
        )
        norm = {"momentum": 0.9, "epsilon": 1e-5}
        self._make("bn", kl.BatchNormalization, self.axis, **norm)
        build_once(self.fc1, (None, channels))
        build_once(self.fc2, (None, hidden))
        two = list(input_shape)
        two[self.axis] = 2
        build_once(self.conv, tuple(two))
        build_once(self.bn, self.conv.compute_output_shape(tuple(two)))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        mean = self.fc2(self.fc1(ops.mean(inputs, axis=self.spatial)))
        peak = self.fc2(self.fc1(ops.max(inputs, axis=self.spatial)))
        x = inputs * ops.expand_dims(ops.sigmoid(mean + peak), self.spatial)
        pair = [reduce(x, self.axis, keepdims=True) for reduce in (ops.mean, ops.max)]
        gate = self.bn(self.conv(ops.concatenate(pair, self.axis)), training=training)
        return x * ops.sigmoid(gate)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = ("ratio", "kernel_size", "data_format")
        return super().get_config() | {name: getattr(self, name) for name in own}


#: Attention modules by name, for residual blocks. The hidden units of
#: squeeze-and-excite are a multiple of 8, as in the implementations with published
#: weights.
GATES: dict[str, Any] = {
    "se": functools.partial(SqueezeExcite, divisor=8),
    "eca": EfficientChannelAttention,
    "cbam": ConvolutionalBlockAttention,
}


def round_to(value: float, divisor: int) -> int:
    """Round to a positive multiple of `divisor`, down by at most a tenth."""
    rounded = max(divisor, math.floor(value / divisor + 0.5) * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded
