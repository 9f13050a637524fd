"""Convolution with weight standardisation."""

import math
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class WeightStandardizedConv2D(keras.layers.Conv2D):
    """Convolve with kernels that are standardised to mean 0 and variance 1 per filter.

    The layer stores the kernels before standardisation, so the scale of a filter's
    weights has no effect on its output.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the kernels; one int makes them square.
        *args: Further positional arguments of `keras.layers.Conv2D`: strides, padding
            and so on.
        gain: Whether each filter is multiplied by a learned gain and divided by the
            square root of its fan-in, so that feature maps keep their variance without
            normalisation layers.
        epsilon: Added to each variance.
        **kwargs: Any other argument of `keras.layers.Conv2D`.

    Shape:
        Input `(batch, height, width, channels)`, output `(batch, new_height,
        new_width, filters)`, as of `keras.layers.Conv2D`.

    Source:
        Qiao et al., "Micro-Batch Training with Batch-Channel Normalization and Weight
        Standardization", 2019, https://arxiv.org/abs/1903.10520, section 3; with
        `gain` Brock et al., "Characterizing signal propagation to close the
        performance gap in unnormalized ResNets", 2021,
        https://arxiv.org/abs/2101.08692, section 4.3.

    Example:
        >>> layer = WeightStandardizedConv2D(4, 3, use_bias=False)
        >>> tuple(layer(keras.ops.ones((1, 5, 5, 2))).shape)
        (1, 3, 3, 4)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        *args: Any,
        gain: bool = False,
        epsilon: float = 1e-6,
        **kwargs: Any,
    ) -> None:
        super().__init__(filters, kernel_size, *args, **kwargs)
        self.gain = gain
        self.epsilon = epsilon

    def build(self, input_shape: tuple[Any, ...]) -> None:
        super().build(input_shape)
        if self.gain:
            self.scale = self.add_weight(
                name="gain", shape=(1, 1, 1, self.filters), initializer="ones"
            )

    def call(self, inputs: Any) -> Any:
        return super().call(as_floats(inputs, self.compute_dtype))

    def effective_kernel(self, kernel: Any = None) -> Any:
        """Return the standardised kernel.

        Args:
            kernel: The kernel as stored; None takes the layer's.
        """
        kernel = ops.convert_to_tensor(self.kernel if kernel is None else kernel)
        # Small variances need float32, whatever the compute dtype.
        wide = ops.cast(kernel, "float32")
        mean, variance = ops.moments(wide, axes=(0, 1, 2), keepdims=True)
        wide = (wide - mean) * ops.rsqrt(variance + self.epsilon)
        if self.gain:
            fan_in = math.prod(kernel.shape[:-1])
            wide = wide * ops.cast(self.scale, "float32") * fan_in**-0.5
        return ops.cast(wide, kernel.dtype)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        return super().convolution_op(inputs, self.effective_kernel(kernel))

    def save_own_variables(self, store: Any) -> None:
        """Add the gain, since Keras's convolutions save only their kernel and bias."""
        super().save_own_variables(store)
        if self.gain and self.built:
            store["gain"] = self.scale

    def load_own_variables(self, store: Any) -> None:
        super().load_own_variables(store)
        if self.gain and self.built:
            self.scale.assign(store["gain"])

    def get_config(self) -> dict[str, Any]:
        own = ("gain", "epsilon")
        return super().get_config() | {name: getattr(self, name) for name in own}
