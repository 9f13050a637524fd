"""Classical image filters as a layer, fixed or as an initialisation."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_cnnzoo.axes import channel_axis, standardize_data_format
from keras_cnnzoo.layers import filter_kernels
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class ImageFilter2D(keras.layers.Layer):
    """Filter each channel of an image separately with a classical kernel.

    The layer computes a correlation, as all convolutional layers do: `sobel_x` is
    positive where brightness increases to the right, `sobel_y` where it increases
    downwards. Derivatives are not scaled: for a slope of 1 per pixel, Sobel's kernels
    give 8, Prewitt's 6 and Scharr's 32.

    Args:
        kind: "sobel_x", "sobel_y", "prewitt_x", "prewitt_y", "scharr_x", "scharr_y",
            "laplacian", "gaussian", "box", "sharpen", "emboss", "vertical_line",
            "horizontal_line", or "gabor", a bank of filters.
        size: Rows and columns of the kernel of a "box" (None: 3), a "gaussian" or
            "gabor" (None: up to four sigma on each side). The others are 3 x 3.
        sigma: Standard deviation of "gaussian", and of the envelope of "gabor".
        orientations: Number of filters in the "gabor" bank. Their angles divide 180
            degrees evenly, beginning with 0, a wave from left to right.
        wavelength: Pixels from crest to crest of a "gabor".
        aspect: How many times narrower the envelope of "gabor" is across the wave than
            along it.
        phase: Phase of "gabor" in radians: 0 detects lines, pi / 2 edges.
        trainable_kernel: Whether the kernels are trained, separately for each channel.
            If False, they are non-trainable weights.
        strides: Step between windows; one int is used for both directions.
        padding: "same", which pads with zeros, or "valid".
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, height, width, channels)`, output `(batch, new_height,
        new_width, channels)`. A "gabor" bank has `channels * orientations` output
        channels: all filters of the first input channel, then those of the second, and
        so on. Channels second under "channels_first".

    Raises:
        ValueError: `kind` is unknown, a number is not positive, or `size` is given for
            a kind of fixed size.

    Source:
        Gonzalez and Woods, "Digital Image Processing", chapters 3 and 10.

    Example:
        >>> ramp = keras.ops.reshape(keras.ops.arange(9.0), (1, 3, 3, 1))
        >>> float(ImageFilter2D("sobel_x", padding="valid")(ramp)[0, 0, 0, 0])
        8.0
    """

    def __init__(
        self,
        kind: str,
        size: int | None = None,
        sigma: float = 1.0,
        orientations: int = 4,
        wavelength: float = 4.0,
        aspect: float = 1.0,
        phase: float = 0.0,
        trainable_kernel: bool = False,
        strides: int | tuple[int, int] = 1,
        padding: str = "same",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if kind not in filter_kernels.KINDS:
            raise ValueError(
                f"`kind` is one of {filter_kernels.KINDS}. Received: {kind!r}"
            )
        if size is not None and kind in filter_kernels.FIXED:
            raise ValueError(
                f"A {kind!r} kernel is always 3 x 3; leave `size` out. Received: {size}"
            )
        positive = {
            "size": 1 if size is None else size,
            "sigma": sigma,
            "orientations": orientations,
            "wavelength": wavelength,
            "aspect": aspect,
        }
        for name, value in positive.items():
            if value <= 0:
                raise ValueError(f"`{name}` is above 0. Received: {value}")
        self.kind = kind
        self.size = size
        self.sigma = sigma
        self.orientations = orientations
        self.wavelength = wavelength
        self.aspect = aspect
        self.phase = phase
        self.trainable_kernel = trainable_kernel
        pair = (strides, strides) if isinstance(strides, int) else strides
        self.strides = tuple(pair)  # A saved layer comes back with a list.
        self.padding = padding
        self.data_format = standardize_data_format(data_format)

    def kernels(self) -> np.ndarray:
        """Return the initial filters, of shape `(rows, columns, filters)`."""
        if self.kind in filter_kernels.FIXED:
            made = [filter_kernels.FIXED[self.kind]]
        elif self.kind == "box":
            made = [filter_kernels.box(self.size or 3)]
        else:
            # The same extent as in scipy.ndimage.gaussian_filter.
            size = self.size or 2 * int(4 * self.sigma + 0.5) + 1
            if self.kind == "gaussian":
                made = [filter_kernels.gaussian(size, self.sigma)]
            else:
                shape = (self.sigma, self.wavelength, self.aspect, self.phase)
                turns = np.arange(self.orientations) * math.pi / self.orientations
                made = [filter_kernels.gabor(size, *shape, turn) for turn in turns]
        return np.stack(made, -1).astype("float32")

    def build(self, input_shape: tuple[Any, ...]) -> None:
        axis = channel_axis(self.data_format)
        kernels = np.repeat(self.kernels()[:, :, None], input_shape[axis], axis=2)
        self.kernel = self.add_weight(
            name="kernel",
            shape=kernels.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(kernels, dtype),
            trainable=self.trainable_kernel,
        )

    def call(self, inputs: Any) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        return ops.depthwise_conv(
            inputs,
            self.kernel,
            self.strides,
            self.padding,
            data_format=self.data_format,
        )

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        axis = channel_axis(self.data_format)
        channels = input_shape[axis]
        kernel = keras.KerasTensor((*self.kernels().shape[:2], channels, 1))
        output = ops.depthwise_conv(
            keras.KerasTensor(input_shape),
            kernel,
            self.strides,
            self.padding,
            data_format=self.data_format,
        )
        filters = self.orientations if self.kind == "gabor" else 1
        shape = list(output.shape)
        shape[axis] = None if channels is None else channels * filters
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        own = ("kind", "size", "sigma", "orientations", "wavelength", "aspect", "phase")
        more = ("trainable_kernel", "strides", "padding", "data_format")
        return super().get_config() | {name: getattr(self, name) for name in own + more}
