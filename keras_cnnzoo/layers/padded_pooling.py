"""Max pooling with the padding of PyTorch and Caffe, which Keras does not have."""

from typing import Any

import keras
from keras import ops

from keras_cnnzoo.axes import spatial_axes, standardize_data_format
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer
from keras_cnnzoo.layers.stateless import is_stateless


@register_layer
class PaddedMaxPooling2D(keras.layers.Layer):
    """Take the maximum of each window, with equal padding on all four sides.

    The padding is minus infinity, so it is never the maximum, even if all inputs are
    negative. Keras's "same" pads strided windows more at the end.

    Args:
        pool_size: Height and width of the window.
        strides: Step between windows; None steps by `pool_size`.
        padding: Rows and columns added on each side, at most half of `pool_size`.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        name: Name of the layer.
        ceil_mode: Whether the last window may extend beyond the edge, as in Caffe, so
            that no pixel is left out. Output sizes are then rounded up.
        **kwargs: `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, height, width, channels)`, output sizes
        `floor((size + 2 * padding - pool_size) / strides) + 1`, as in
        `torch.nn.MaxPool2d`.

    Raises:
        ValueError: `padding` is negative or more than half of `pool_size`, so that a
            window could hold no pixel at all; or `ceil_mode` would do the same.

    Example:
        >>> x = keras.ops.full((1, 2, 2, 1), -3.0)
        >>> float(PaddedMaxPooling2D(3, 2, padding=1)(x)[0, 0, 0, 0])
        -3.0
    """

    def __init__(
        self,
        pool_size: int,
        strides: int | None = None,
        padding: int = 0,
        data_format: str | None = None,
        name: str | None = None,
        *,
        ceil_mode: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if not 0 <= padding <= pool_size // 2:
            raise ValueError(
                f"`padding` is from 0 to half of pool_size={pool_size}. "
                f"Received: {padding}"
            )
        self.pool_size = pool_size
        self.strides = strides or pool_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        #: Padding at the end. With `strides - 1` more, rounding the size down has the
        #: effect of rounding up.
        self._end = padding + (self.strides - 1 if ceil_mode else 0)
        if ceil_mode and pool_size < self.strides + padding:
            raise ValueError(
                "With `ceil_mode`, `pool_size` is at least strides + padding = "
                f"{self.strides + padding}, or a window could hold no pixel. Received: "
                f"pool_size={pool_size}"
            )
        self.data_format = standardize_data_format(data_format)
        self._spatial = spatial_axes(self.data_format)
        self.built = is_stateless(self)

    def call(self, inputs: Any) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        pads = [[0, 0]] * 4
        for axis in self._spatial:
            pads[axis] = [self.padding, self._end]
        x = ops.pad(inputs, pads, constant_values=float("-inf"))
        return ops.max_pool(
            x, self.pool_size, self.strides, "valid", data_format=self.data_format
        )

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        shape = list(input_shape)
        for axis in self._spatial:
            if (size := shape[axis]) is not None:
                room = size + self.padding + self._end - self.pool_size
                shape[axis] = room // self.strides + 1
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        own = ("pool_size", "strides", "padding", "ceil_mode", "data_format")
        return super().get_config() | {name: getattr(self, name) for name in own}
