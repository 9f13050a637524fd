"""Downsampling with a blur, so that the output depends less on small shifts."""

from typing import Any, Literal

import keras
from keras import ops

from keras_cnnzoo.axes import spatial_axes, standardize_data_format
from keras_cnnzoo.layers.checks import check_choice
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer
from keras_cnnzoo.layers.stateless import is_stateless


@register_layer
class BlurPool2D(keras.layers.Layer):
    """Average each window with binomial weights, 1 2 1 for three pixels.

    It replaces the stride of the convolution or max pooling before it, which then has
    stride 1. The blur removes frequencies that would alias in the smaller feature map.

    Args:
        pool_size: Height and width of the window, at least 2.
        strides: Step between windows.
        padding: "reflect" pads with the mirror image, without repeating the edge;
            "constant" pads with zeros. "valid" drops partial windows.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        name: Name of the layer.
        **kwargs: `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, height, width, channels)`, output sizes `ceil(size / strides)`,
        or with "valid" `floor((size - pool_size) / strides) + 1`.

    Raises:
        ValueError: An argument is out of range, or the input is too small for the
            reflection or for a window.

    Note:
        For windows of 3 and 5 and strides up to 2 it equals timm's `BlurPool2d`. Even
        windows have the extra pixel of padding at the end, as in the paper's code.

    Source:
        Zhang, "Making Convolutional Networks Shift-Invariant Again", 2019,
        https://arxiv.org/abs/1904.11486, section 3.

    Example:
        >>> x = keras.ops.reshape([0.0, 4.0, 0.0, 4.0], (1, 1, 4, 1))
        >>> x = keras.ops.repeat(x, 4, axis=1)
        >>> float(BlurPool2D(3)(x)[0, 1, 1, 0])
        2.0
    """

    def __init__(
        self,
        pool_size: int = 3,
        strides: int = 2,
        padding: Literal["reflect", "constant", "valid"] = "reflect",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        for name, value, least in (
            ("pool_size", pool_size, 2),
            ("strides", strides, 1),
        ):
            if not (isinstance(value, int) and value >= least):
                raise ValueError(
                    f"`{name}` is an int of at least {least}. Received: {value!r}"
                )
        self.pool_size = pool_size
        self.strides = strides
        self.padding = check_choice(
            "padding", padding, ("reflect", "constant", "valid")
        )
        self.data_format = standardize_data_format(data_format)
        self._spatial = spatial_axes(self.data_format)
        self.built = is_stateless(self)

    def call(self, inputs: Any) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        self.compute_output_shape(inputs.shape)
        x = inputs
        if self.padding != "valid":
            pads = [[0, 0]] * 4
            for axis in self._spatial:
                pads[axis] = [(self.pool_size - 1) // 2, self.pool_size // 2]
            x = ops.pad(x, pads, mode=self.padding)
        # A binomial window is a chain of averages of two pixels. Measured on a CPU: a
        # depthwise convolution takes 27 times as long under JAX, and as long under
        # TensorFlow.
        for left in reversed(range(self.pool_size - 1)):
            x = ops.average_pool(
                x, 2, 1 if left else self.strides, "valid", self.data_format
            )
        return x

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        shape = list(input_shape)
        least = {
            "reflect": self.pool_size // 2 + 1,
            "constant": 1,
            "valid": self.pool_size,
        }[self.padding]
        for axis in self._spatial:
            size = shape[axis]
            if size is None:
                continue
            if size < least:
                raise ValueError(
                    f"{self.name!r} needs at least {least} pixels a side for pool_size="
                    f"{self.pool_size} and padding={self.padding!r}. Its input is of "
                    f"shape {tuple(input_shape)} ({self.data_format}). Take "
                    'padding="constant".'
                )
            room = self.pool_size - 1 if self.padding == "valid" else 0
            shape[axis] = -(-(size - room) // self.strides)
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        own = ("pool_size", "strides", "padding", "data_format")
        return super().get_config() | {name: getattr(self, name) for name in own}
