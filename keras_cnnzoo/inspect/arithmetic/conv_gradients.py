"""The gradients of a convolution, which are convolutions themselves."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from keras import ops

from keras_cnnzoo.inspect.arithmetic.convolution import turn
from keras_cnnzoo.inspect.arithmetic.matmul import pads, spread
from keras_cnnzoo.inspect.arithmetic.sizes import (
    Padding,
    Pair,
    Size,
    conv_output_size,
)


class ConvGradients(NamedTuple):
    """Gradients of a loss with respect to what a convolution was given.

    Attributes:
        inputs: Of the inputs' shape.
        kernel: Of the kernel's shape.
    """

    inputs: Any
    kernel: Any


def conv_gradients(
    inputs: Any,
    kernel: Any,
    output_gradient: Any,
    strides: Size = 1,
    padding: Padding = "valid",
) -> ConvGradients:
    """Return the gradients of a convolution by two more convolutions.

    A pixel went into every window over it, each time with another number of the kernel.
    So its gradient collects the output's gradients around it, in the opposite order:
    the "full" convolution of the output's gradient with the kernel turned by half a
    turn, inputs and filters exchanged. A number of the kernel met one pixel of each
    window: its gradient is the inputs slid over by the output's gradient, the images of
    the batch added up. A stride left windows out; zeros put between the output's
    gradients stand for them.

    Args:
        inputs: `(batch, *sizes, channels)`, in one, two or three dimensions.
        kernel: `(*kernel_sizes, channels, filters)`.
        output_gradient: The loss's gradient with respect to the output of
            `keras.ops.conv(inputs, kernel, strides, padding)`, of its shape.
        strides: One int for every dimension, or one per dimension.
        padding: As for `conv_output_size`.

    Raises:
        ValueError: `output_gradient` has not the output's shape.

    Source:
        Goodfellow et al., "Deep Learning", 2016, section 9.5,
        https://www.deeplearningbook.org/contents/convnets.html.

    Example:
        >>> x, kernel = ops.ones((1, 4, 4, 1)), ops.ones((3, 3, 1, 1))
        >>> found = conv_gradients(x, kernel, ops.ones((1, 2, 2, 1)))
        >>> print(ops.convert_to_numpy(found.inputs)[0, ..., 0])
        [[1. 2. 2. 1.]
         [2. 4. 4. 2.]
         [2. 4. 4. 2.]
         [1. 2. 2. 1.]]
    """
    inputs = ops.convert_to_tensor(inputs)
    kernel = ops.convert_to_tensor(kernel, inputs.dtype)
    upper = ops.convert_to_tensor(output_gradient, inputs.dtype)
    window, sizes = tuple(kernel.shape[:-2]), tuple(inputs.shape[1:-1])
    rank = len(window)
    step = spread(strides, rank)
    places = conv_output_size(sizes, window, step, padding)
    expected = (inputs.shape[0], *places, kernel.shape[-1])
    if tuple(upper.shape) != expected:
        raise ValueError(
            f"`output_gradient` has the output's shape, {expected}. "
            f"Received: {tuple(upper.shape)}"
        )
    room = pads(padding, sizes, window, step, (1,) * rank)
    upper = _put_between(upper, step)
    return ConvGradients(
        _of_inputs(upper, kernel, sizes, room),
        _of_kernel(upper, inputs, window, room),
    )


def _of_inputs(
    upper: Any, kernel: Any, sizes: Sequence[int], room: Sequence[Pair]
) -> Any:
    rank = len(sizes)
    around = [(k - 1, k - 1) for k in kernel.shape[:rank]]
    turned = ops.swapaxes(turn(kernel, rank), -1, -2)
    padded = ops.pad(upper, [(0, 0), *around, (0, 0)])
    # Windows began in the padding, and may have ended before the last pixel.
    found = ops.conv(padded, turned, data_format="channels_last")
    missing = [
        max(before + n - reached, 0)
        for (before, _), n, reached in zip(room, sizes, found.shape[1:-1], strict=True)
    ]
    found = ops.pad(found, [(0, 0), *((0, n) for n in missing), (0, 0)])
    pairs = zip(room, sizes, strict=True)
    return found[(slice(None), *(slice(b, b + n) for (b, _), n in pairs))]


def _of_kernel(
    upper: Any, inputs: Any, window: Sequence[int], room: Sequence[Pair]
) -> Any:
    rank = len(window)
    padded = ops.pad(inputs, [(0, 0), *room, (0, 0)])
    # Channels as images, images as channels: what is added up is the batch.
    order = (rank + 1, *range(1, rank + 1), 0)
    slid = ops.transpose(upper, (*range(1, rank + 1), 0, rank + 1))
    found = ops.conv(ops.transpose(padded, order), slid, data_format="channels_last")
    found = found[(slice(None), *(slice(0, k) for k in window))]
    return ops.transpose(found, (*range(1, rank + 1), 0, rank + 1))


def _put_between(x: Any, step: tuple[int, ...]) -> Any:
    """Put `step - 1` zeros between neighbouring values, along each axis."""
    for axis, s in enumerate(step, start=1):
        if s == 1:
            continue
        shape = list(x.shape)
        wide = ops.expand_dims(x, axis + 1)
        pad = [(0, 0)] * (axis + 1) + [(0, s - 1)] + [(0, 0)] * (len(shape) - axis - 1)
        shape[axis] *= s
        x = ops.reshape(ops.pad(wide, pad), shape)
        keep = [slice(None)] * axis + [slice(0, shape[axis] - s + 1)]
        x = x[tuple(keep)]
    return x
