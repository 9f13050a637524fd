"""How one output pixel of a layer is computed from a window of its input.

Most layers of a convolutional network follow one of two rules: a sum of products plus a
bias, or the largest value in the window.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras.layers import Layer

from keras_cnnzoo.inspect.arithmetic.sizes import same_padding
from keras_cnnzoo.layers import (
    ColorNormalization,
    PaddedMaxPooling2D,
    PartialConv2D,
    Subsampling2D,
)
from keras_cnnzoo.structure.kernels import kernels

#: A global mean over more pixels is not shown, since there are too many to read.
MAX_MEAN = 64


@dataclass(frozen=True)
class Window:
    """The window of a layer, and how an output pixel is computed from it.

    Attributes:
        rule: "sum" of window times kernel, or "max".
        size: Height and width of the window.
        strides: Distance between neighbouring windows, in rows and columns.
        dilation: Distance between neighbouring pixels of a window.
        padding: Rows above the input, and columns to the left, that are padded.
        groups: The number of channel groups; each output channel depends on the input
            channels of one group.
        kernel: `(height, width, input channels of a group, output channels)`; None for
            the rule "max".
        bias: One value per output channel, or None.
    """

    rule: str
    size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    groups: int = 1
    kernel: np.ndarray | None = None
    bias: np.ndarray | None = None

    def sources(self, channel: int, inputs: int, outputs: int) -> slice:
        """Return the input channels that an output channel depends on."""
        width = inputs // self.groups
        group = channel * self.groups // outputs
        return slice(group * width, (group + 1) * width)

    def cut(
        self, given: np.ndarray, at: tuple[int, int], channels: slice
    ) -> np.ndarray:
        """Return the window, `(height, width, channels)`, of the output pixel `at`.

        Padding is 0 for the rule "sum", and -inf for "max".
        """
        outside = 0.0 if self.rule == "sum" else -np.inf
        window = np.full((*self.size, channels.stop - channels.start), outside, "f4")
        rows, columns = (
            at[i] * self.strides[i]
            - self.padding[i]
            + np.arange(self.size[i]) * self.dilation[i]
            for i in (0, 1)
        )
        inside_y = (rows >= 0) & (rows < given.shape[0])
        inside_x = (columns >= 0) & (columns < given.shape[1])
        window[np.ix_(inside_y, inside_x)] = given[
            np.ix_(rows[inside_y], columns[inside_x])
        ][..., channels]
        return window

    def about(self) -> dict[str, Any]:
        """Return the window's settings for the page, without kernel and bias."""
        names = ("rule", "size", "strides", "dilation", "padding", "groups")
        return {name: getattr(self, name) for name in names}


def find_window(layer: Layer, given: np.ndarray) -> Window | None:
    """Return a layer's window; None if the layer follows neither rule.

    Args:
        layer: Any built layer.
        given: Its input, `(height, width, channels)`.
    """
    for kinds, rule in _RULES:
        if isinstance(layer, kinds):
            return rule(layer, given)
    return None


def _numpy(weight: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(weight).astype("float32")


def _pair(value: Any) -> tuple[int, int]:
    first, second = (value, value) if isinstance(value, int) else value
    return int(first), int(second)


def _convolution(layer: Layer, given: np.ndarray) -> Window | None:
    kernel = kernels(layer).astype("float32")
    groups = given.shape[-1] // kernel.shape[2]
    strides = _pair(layer.strides)
    dilation = _pair(getattr(layer, "dilation_rate", 1))
    padding = _before(layer.padding, kernel.shape[:2], strides, dilation, given)
    if padding is None:
        return None
    return Window(
        "sum",
        kernel.shape[:2],
        strides,
        dilation,
        padding,
        groups,
        kernel,
        _numpy(layer.bias) if layer.use_bias else None,
    )


def _before(
    padding: str | int,
    size: Sequence[int],
    strides: tuple[int, int],
    dilation: tuple[int, int],
    given: np.ndarray,
) -> tuple[int, int] | None:
    """Return the rows above and the columns to the left that a padding adds."""
    if padding == "valid":
        return 0, 0
    if isinstance(padding, int):
        return padding, padding
    if padding != "same":
        return None
    (top, _), (left, _) = same_padding(
        tuple(size), strides, dilation, tuple(given.shape[:2])
    )
    return top, left


def _pooling(layer: Layer, given: np.ndarray, *, rule: str) -> Window | None:
    size = _pair(layer.pool_size)
    strides = _pair(layer.strides or size)
    padding = _before(layer.padding, size, strides, (1, 1), given)
    if padding is None:
        return None
    channels = given.shape[-1]
    kernel = None
    if rule == "sum":
        kernel = np.full((*size, 1, channels), 1 / math.prod(size), "float32")
    return Window(rule, size, strides, padding=padding, groups=channels, kernel=kernel)


def _subsampling(layer: Layer, given: np.ndarray) -> Window:
    size, coefficient = _pair(layer.pool_size), _numpy(layer.coefficient)
    kernel = np.broadcast_to(coefficient, (*size, 1, len(coefficient)))
    groups = given.shape[-1]
    bias = _numpy(layer.bias)
    return Window(
        "sum", size, _pair(layer.strides), (1, 1), (0, 0), groups, kernel, bias
    )


def _global_mean(layer: Layer, given: np.ndarray) -> Window | None:
    height, width, channels = given.shape
    if height * width > MAX_MEAN:
        return None
    kernel = np.full((height, width, 1, channels), 1 / (height * width), "float32")
    return Window("sum", (height, width), groups=channels, kernel=kernel)


def _batch_normalization(layer: Layer, given: np.ndarray) -> Window:
    variance = _numpy(layer.moving_variance).astype("float64")
    scale = 1 / np.sqrt(variance + layer.epsilon)
    if layer.scale:
        scale = scale * _numpy(layer.gamma)
    shift = -_numpy(layer.moving_mean) * scale
    if layer.center:
        shift = shift + _numpy(layer.beta)
    kernel = scale.astype("float32")[None, None, None]
    return Window(
        "sum", (1, 1), groups=len(scale), kernel=kernel, bias=shift.astype("float32")
    )


def _dense(layer: Layer, given: np.ndarray) -> Window:
    kernel = _numpy(layer.kernel)[None, None]
    bias = None if layer.bias is None else _numpy(layer.bias)
    return Window("sum", (1, 1), kernel=kernel, bias=bias)


def _colour(layer: Layer, given: np.ndarray) -> Window:
    kernel = _numpy(layer.matrix)[None, None]
    return Window("sum", (1, 1), kernel=kernel, bias=_numpy(layer.offset))


#: The first entry whose classes match a layer applies.
_RULES: tuple[tuple[Any, Callable[..., Window | None]], ...] = (
    (keras.layers.SeparableConv2D, lambda layer, given: None),
    (keras.layers.Conv2DTranspose, lambda layer, given: None),
    (
        (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, PartialConv2D),
        _convolution,
    ),
    (keras.layers.Dense, _dense),
    (keras.layers.BatchNormalization, _batch_normalization),
    (ColorNormalization, _colour),
    (Subsampling2D, _subsampling),
    (
        (keras.layers.MaxPooling2D, PaddedMaxPooling2D),
        lambda layer, given: _pooling(layer, given, rule="max"),
    ),
    (
        keras.layers.AveragePooling2D,
        lambda layer, given: _pooling(layer, given, rule="sum"),
    ),
    (keras.layers.GlobalAveragePooling2D, _global_mean),
)
