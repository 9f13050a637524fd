"""The gradients of a convolution, which are themselves convolutions."""

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
    """Gradients of a loss with respect to a convolution's inputs and kernel.

    Attributes:
        inputs: The gradient for the inputs, in their shape.
        kernel: The gradient for the kernel, in its shape.
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
    """Compute the gradients of a convolution with two more convolutions.

    The gradient for the inputs: every window that covers an input pixel multiplies it
    by a different weight of the kernel. Summed up, this is the output gradient, padded
    as for "full", and correlated with the kernel flipped along its spatial axes, input
    and output channels swapped.

    The gradient for the kernel: each weight multiplies one pixel of every window.
    Summed up over windows and batch, this is the inputs correlated with the output
    gradient.

    For a stride above 1, zeros are first inserted into the output gradient at the
    positions that the stride skipped.

    Args:
        inputs: `(batch, *sizes, channels)`, in one, two or three dimensions.
        kernel: `(*kernel_sizes, channels, filters)`.
        output_gradient: The gradient of the loss with respect to the output of
            `keras.ops.conv(inputs, kernel, strides, padding)`, in the output's shape.
        strides: One int for every dimension, or one per dimension.
        padding: As for `conv_output_size`.

    Raises:
        ValueError: `output_gradient` does not have the output's shape.

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
    # The first window starts in the padding; the last may end before the last pixel.
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
    # Swap batch and channels, so that the convolution sums over the batch.
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
