"""Which units of its input an operation that slides over a map sees."""

from fractions import Fraction

import keras

from keras_cnnzoo.inspect.arithmetic.sizes import sides
from keras_cnnzoo.inspect.field.intervals import SAME, Link, Window, Wiring
from keras_cnnzoo.inspect.trace.calls import OpCall

#: Half the width of an interpolation's window, in pixels of the larger map.
REACH = {"nearest": 1, "bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}


def _sliding(call: OpCall, index: int, make) -> Wiring:
    """Wire rows to rows and columns to columns; channels are mixed.

    `make(n, m, axis)` gives the window of one axis from the sizes of both maps, or
    None where a unit sees all of it.
    """
    shape, out = call.tensors[index].shape, call.outputs[0].shape
    form = call.op.data_format or keras.config.image_data_format()
    first = 1 if form == "channels_last" else 2
    links: list[Link | None] = [None] * len(out)
    links[0] = Link(0)
    for axis in range(len(shape) - 2):
        dim = first + axis
        if (window := make(shape[dim], out[dim], axis)) is not None:
            links[dim] = Link(dim, window)
    return links


def _at(value, axis: int) -> int:
    return value if isinstance(value, int) else value[axis]


def _forward(n: int | None, kernel: int, stride: int, padding: str, dilation: int):
    before, _ = sides(padding, n, kernel, stride, dilation)
    return Window(stride, -before, dilation * (kernel - 1) - before)


def convolution(call: OpCall, index: int) -> Wiring:
    """Wire `conv`, `depthwise_conv` and `separable_conv`."""
    op, kernel = call.op, call.args[1].shape

    def make(n, m, axis):
        step, dilation = _at(op.strides, axis), _at(op.dilation_rate, axis)
        return _forward(n, kernel[axis], step, op.padding, dilation)

    return _sliding(call, index, make) if index == 0 else _all(call)


def transposed(call: OpCall, index: int) -> Wiring:
    """Wire `conv_transpose`: the windows of the convolution that would undo it."""
    op, kernel = call.op, call.args[1].shape

    def make(n, m, axis):
        stride = _at(op.strides, axis)
        reach = _at(op.dilation_rate, axis) * (kernel[axis] - 1) + 1
        cut = 0
        if op.padding == "same":
            extra = op.output_padding
            grown = stride if extra is None else reach % 2 + _at(extra, axis)
            cut = max((reach - grown) // 2, 0)
        return Window(
            Fraction(1, stride),
            Fraction(cut - reach + 1, stride),
            Fraction(cut, stride),
        )

    return _sliding(call, index, make) if index == 0 else _all(call)


def pooling(call: OpCall, index: int) -> Wiring:
    """Wire `max_pool` and `average_pool`."""
    op = call.op

    def make(n, m, axis):
        size = _at(op.pool_size, axis)
        step = size if op.strides is None else _at(op.strides, axis)
        return _forward(n, size, step, op.padding, 1)

    return _sliding(call, index, make)


def patches(call: OpCall, index: int) -> Wiring:
    """Wire `image.extract_patches`."""
    op = call.op

    def make(n, m, axis):
        size = _at(op.size, axis)
        step = size if op.strides is None else _at(op.strides, axis)
        return _forward(n, size, step, op.padding, _at(op.dilation_rate, axis))

    return _sliding(call, index, make)


def adaptive(call: OpCall, index: int) -> Wiring:
    """Wire `adaptive_average_pool`: from `floor(i n / m)` to `ceil((i + 1) n / m)`."""

    def make(n, m, axis):
        if n is None:
            return None
        step = Fraction(n, m)
        slack = Fraction(m - 1, m) if n % m else 0
        return Window(step, -slack, step + slack - 1)

    return _sliding(call, index, make)


def resizing(call: OpCall, index: int) -> Wiring:
    """Wire `image.resize` and `Resizing`."""
    op = call.op

    def make(n, m, axis):
        if n is None or op.crop_to_aspect_ratio or op.pad_to_aspect_ratio:
            return None
        step = Fraction(n, m)
        if n == m:
            return SAME
        if op.interpolation == "nearest" and m % n == 0:
            return Window(step, step - 1, 0)
        reach = REACH[op.interpolation] * max(step if op.antialias else 1, 1)
        # Pixels have their centres at halves.
        centre = step / 2 - Fraction(1, 2)
        return Window(step, centre - reach, centre + reach)

    batched = len(call.outputs[0].shape) == 4
    return _sliding(call, index, make) if batched else _all(call)


def cropping(call: OpCall, index: int) -> Wiring:
    """Wire `CenterCrop`; it enlarges an image that is too small."""

    def make(n, m, axis):
        fits = n is not None and n >= m
        return Window(1, (n - m) // 2, (n - m) // 2) if fits else None

    return _sliding(call, index, make)


def to_depth(call: OpCall, index: int) -> Wiring:
    """Wire `space_to_depth`."""
    size = call.op.block_size
    return _sliding(call, index, lambda n, m, axis: Window(size, 0, size - 1))


def to_space(call: OpCall, index: int) -> Wiring:
    """Wire `depth_to_space`."""
    step = Fraction(1, call.op.block_size)
    return _sliding(call, index, lambda n, m, axis: Window(step, step - 1, 0))


def _all(call: OpCall) -> Wiring:
    return [None] * len(call.outputs[0].shape)


SLIDING = {
    "AdaptiveAveragePool": adaptive,
    "AdaptiveMaxPool": adaptive,
    "AveragePool": pooling,
    "CenterCrop": cropping,
    "Conv": convolution,
    "ConvTranspose": transposed,
    "DepthToSpace": to_space,
    "DepthwiseConv": convolution,
    "ExtractPatches": patches,
    "MaxPool": pooling,
    "Resize": resizing,
    "Resizing": resizing,
    "SeparableConv": convolution,
    "SpaceToDepth": to_depth,
}
