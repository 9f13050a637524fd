"""Attention over several feature maps, for each channel."""

from typing import Any

import keras
from keras import ops

from keras_cnnzoo.axes import channel_axis, spatial_axes, standardize_data_format
from keras_cnnzoo.layers.composite import CompositeLayer, build_once
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class SplitAttention(CompositeLayer):
    """Add up several feature maps, weighted channel by channel.

    The input holds the feature maps concatenated along the channels. The global
    averages of their sum pass through two dense layers, and a softmax over the feature
    maps gives weights that add to one for each channel. A single feature map is scaled
    by a sigmoid instead.

    Args:
        splits: Number of feature maps.
        hidden: Units of the first dense layer.
        use_bias: Whether the two dense layers have biases.
        bn_momentum, bn_epsilon: Momentum and epsilon of the batch norm between them.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, height, width, splits * channels)`, output `(batch, height,
        width, channels)`; channels second under "channels_first".

    Raises:
        ValueError: `splits` or `hidden` is below 1, or the number of input channels is
            not a multiple of `splits`.

    Source:
        Zhang et al., "ResNeSt: Split-Attention Networks", 2020,
        https://arxiv.org/abs/2004.08955, section 3.1, with one cardinal group; without
        biases the "fuse" and "select" of Li et al., "Selective Kernel Networks",
        2019, https://arxiv.org/abs/1903.06586, section 3.1.

    Example:
        >>> layer = SplitAttention(splits=2, hidden=8)
        >>> layer(keras.ops.ones((1, 5, 6, 12))).shape[-1]
        6
    """

    def __init__(
        self,
        splits: int,
        hidden: int,
        use_bias: bool = True,
        bn_momentum: float = 0.9,
        bn_epsilon: float = 1e-5,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if splits < 1 or hidden < 1:
            raise ValueError(
                "`splits` and `hidden` are at least 1. Received: "
                f"splits={splits}, hidden={hidden}"
            )
        self.splits = splits
        self.hidden = hidden
        self.use_bias = use_bias
        self.bn_momentum = bn_momentum
        self.bn_epsilon = bn_epsilon
        self.data_format = standardize_data_format(data_format)
        self.axis = channel_axis(self.data_format)
        self.spatial = spatial_axes(self.data_format)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        channels = self._channels(input_shape)
        dense, bias = keras.layers.Dense, {"use_bias": self.use_bias}
        self._make("fc1", dense, self.hidden, **bias)
        self._make(
            "bn",
            keras.layers.BatchNormalization,
            momentum=self.bn_momentum,
            epsilon=self.bn_epsilon,
        )
        self._make("fc2", dense, self.splits * channels, **bias)
        build_once(self.fc1, (None, channels))
        build_once(self.bn, (None, self.hidden))
        build_once(self.fc2, (None, self.hidden))

    def _channels(self, input_shape: tuple[Any, ...]) -> int:
        channels, left = divmod(input_shape[self.axis], self.splits)
        if left:
            raise ValueError(
                f"{self.name!r} splits the channels of its input into {self.splits} "
                f"equal parts, but there are {input_shape[self.axis]} channels: "
                f"{tuple(input_shape)}."
            )
        return channels

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        maps = ops.split(inputs, self.splits, axis=self.axis)
        averages = [ops.mean(x, axis=self.spatial) for x in maps]
        seen = self.bn(self.fc1(sum(averages)), training=training)
        scores = self.fc2(ops.relu(seen))
        if self.splits == 1:
            weights = [ops.sigmoid(scores)]
        else:
            stacked = ops.reshape(scores, (-1, self.splits, averages[0].shape[-1]))
            weights = ops.unstack(ops.softmax(stacked, axis=1), self.splits, axis=1)
        return sum(
            x * ops.expand_dims(weight, self.spatial)
            for x, weight in zip(maps, weights, strict=True)
        )

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        shape = list(input_shape)
        shape[self.axis] = self._channels(input_shape)
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        own = ("splits", "hidden", "use_bias", "bn_momentum", "bn_epsilon")
        return super().get_config() | {
            name: getattr(self, name) for name in (*own, "data_format")
        }
