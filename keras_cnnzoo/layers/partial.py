"""Convolution in which each filter uses only some of the input channels."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_cnnzoo.axes import (
    channel_axis,
    is_channels_last,
    spatial_axes,
    standardize_data_format,
)
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class PartialConv2D(keras.layers.Layer):
    """Convolve each filter only with the input channels on its own list.

    There are weights only for the listed connections: none are stored, trained or
    counted for the other input channels.

    Args:
        connections: For each filter, the indices of its input channels.
        kernel_size: Height and width of the kernels; one int makes them square.
        strides: Strides of the convolution; one int for both directions.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        activation: Activation of the output, by name or as a function.
        use_bias: Whether each filter has a bias.
        kernel_initializer: Initializer of the kernels, a weight of shape `(height,
            width, number of connections)`, filter by filter.
        bias_initializer: Initializer of the biases.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, height, width, channels)`, output `(batch, new_height,
        new_width, filters)` with one filter per entry of `connections`; channels
        second under "channels_first".

    Raises:
        ValueError: A filter has no input channel, the same one twice, or one that the
            input does not have.

    Source:
        LeCun et al., "Gradient-Based Learning Applied to Document Recognition",
        1998, section II.B, layer C3 and table I, https://doi.org/10.1109/5.726791.

    Example:
        >>> layer = PartialConv2D(connections=[[0], [0, 1]], kernel_size=3)
        >>> layer(keras.ops.ones((1, 3, 3, 2))).shape[-1], layer.count_params()
        (2, 29)
    """

    def __init__(
        self,
        connections: Sequence[Sequence[int]],
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        *,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.connections = [list(maps) for maps in connections]
        for maps in self.connections:
            if not maps or len(set(maps)) < len(maps) or min(maps) < 0:
                raise ValueError(
                    "Each entry of `connections` lists a filter's different input "
                    f"channels, at least one, counted from 0. Received: {maps}"
                )
        if isinstance(kernel_size, int):
            kernel_size = (kernel_size, kernel_size)
        self.kernel_size = tuple(kernel_size)
        self.strides = strides if isinstance(strides, int) else tuple(strides)
        self.padding = padding
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.data_format = standardize_data_format(data_format)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[channel_axis(self.data_format)]
        highest = max(map(max, self.connections))
        if channels is None or highest >= channels:
            raise ValueError(
                f"{self.name!r} uses input channel {highest}, counted from 0, but its "
                f"input has only {channels} channels: {tuple(input_shape)}. Correct "
                "`connections` or the input."
            )
        filters, kernels = len(self.connections), sum(map(len, self.connections))
        # Entry (channel, filter) is the position of their kernel. Unconnected pairs
        # point after the last kernel, where `effective_kernel` puts a zero.
        self._positions = np.full((channels, filters), kernels)
        order = [(m, f) for f, maps in enumerate(self.connections) for m in maps]
        self._positions[tuple(np.transpose(order))] = np.arange(kernels)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, kernels),
            initializer=self.kernel_initializer,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(filters,), initializer=self.bias_initializer
            )

    def effective_kernel(self) -> Any:
        """Return the kernel of the equivalent `Conv2D`, zero where not connected."""
        padded = ops.pad(self.kernel, [(0, 0), (0, 0), (0, 1)])
        flat = ops.take(padded, self._positions.ravel(), axis=-1)
        return ops.reshape(flat, (*self.kernel_size, *self._positions.shape))

    def call(self, inputs: Any) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        x = ops.conv(
            inputs,
            self.effective_kernel(),
            self.strides,
            self.padding,
            self.data_format,
        )
        if self.use_bias:
            last = is_channels_last(self.data_format)
            x = x + (self.bias if last else ops.reshape(self.bias, (-1, 1, 1)))
        return self.activation(x)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        twin = keras.layers.Conv2D(
            len(self.connections),
            self.kernel_size,
            self.strides,
            self.padding,
            self.data_format,
        )
        return twin.compute_output_shape(input_shape)

    def count_macs(
        self, input_shape: tuple[Any, ...], output_shape: tuple[Any, ...]
    ) -> int:
        """Count the multiply-accumulates of one image, for connected channels only."""
        height, width = (output_shape[axis] for axis in spatial_axes(self.data_format))
        return int(np.prod(self.kernel.shape)) * height * width

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "connections": self.connections,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "data_format": self.data_format,
        }
