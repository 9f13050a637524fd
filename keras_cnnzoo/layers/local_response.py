"""Normalisation across neighbouring channels, common before batch norm."""

from typing import Any

import keras
from keras import ops

from keras_cnnzoo.axes import channel_axis, standardize_data_format
from keras_cnnzoo.layers.registry import register_layer
from keras_cnnzoo.layers.stateless import is_stateless


@register_layer
class LocalResponseNormalization(keras.layers.Layer):
    """Divide by the activity of neighbouring channels at the same position.

    `y = x / (bias + alpha * sum(neighbours ** 2)) ** beta`, where the neighbours of a
    channel are the `2 * depth_radius + 1` channels around it, itself included, and
    fewer for the first and the last channels.

    `alpha` multiplies the plain sum, as in the paper and in TensorFlow. PyTorch and
    Caffe take the mean: `torch.nn.LocalResponseNorm(n, alpha, beta, k)` is
    `LocalResponseNormalization(n // 2, k, alpha / n, beta)` for odd `n`. The
    defaults are the paper's k = 2, n = 5.

    The sum and the power are computed in at least float32, whatever the dtype policy.

    Args:
        depth_radius: Number of neighbouring channels on either side.
        bias: Positive number that keeps the divisor from 0, the paper's k.
        alpha: Factor of the sum of squares.
        beta: Exponent of the divisor.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input and output `(batch, ..., channels)`, or `(batch, channels, ...)` under
        "channels_first".

    Raises:
        ValueError: `bias` is not positive or `depth_radius` is negative.

    Source:
        Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural
        Networks", 2012, section 3.3,
        https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks.

    Example:
        >>> layer = LocalResponseNormalization(1, bias=1.0, alpha=0.25, beta=0.5)
        >>> y = layer(keras.ops.full((1, 1, 1, 3), 2.0))
        >>> round(float(y[0, 0, 0, 1]), 4)
        1.0
    """

    def __init__(
        self,
        depth_radius: int = 2,
        bias: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        if bias <= 0 or depth_radius < 0:
            raise ValueError(
                "`bias` must be positive, so that channels of zeros are not divided "
                "by 0, and `depth_radius` must be 0 or more. Received: "
                f"bias={bias}, depth_radius={depth_radius}"
            )
        self.depth_radius = depth_radius
        self.bias = bias
        self.alpha = alpha
        self.beta = beta
        self.data_format = standardize_data_format(data_format)
        self.built = is_stateless(self)

    def call(self, inputs: Any) -> Any:
        wide = keras.backend.result_type(self.compute_dtype, "float32")
        x = ops.cast(inputs, wide)
        axis = channel_axis(self.data_format) % len(x.shape)
        before, maps = (slice(None),) * axis, x.shape[axis]
        width = [(0, 0)] * len(x.shape)
        width[axis] = (self.depth_radius, self.depth_radius)
        squares = ops.pad(ops.square(x), width)
        # Adding shifted slices is fast when compiled and more accurate than a running
        # sum.
        activity = sum(
            squares[(*before, slice(shift, shift + maps))]
            for shift in range(2 * self.depth_radius + 1)
        )
        divisor = ops.power(self.bias + self.alpha * activity, self.beta)
        return ops.cast(x / divisor, self.compute_dtype)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = ("depth_radius", "bias", "alpha", "beta", "data_format")
        return super().get_config() | {name: getattr(self, name) for name in own}
