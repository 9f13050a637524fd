"""A convolution as one matrix multiplication (im2col)."""

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from keras import ops

from keras_cnnzoo.inspect.arithmetic.sizes import Padding, Size, conv_output_size, sides


class ConvAsMatmul(NamedTuple):
    """A convolution as two matrices and their product.

    Attributes:
        patches: One row per kernel position in each image, with the pixels under the
            kernel: `(batch * positions, kernel_pixels * channels)`. Overlapping
            windows share pixels, so a pixel can appear in several rows.
        kernel: The kernel, one column for each filter: `(kernel_pixels * channels,
            filters)`.
        output: The product, reshaped to `(batch, *output_size, filters)`.
    """

    patches: Any
    kernel: Any
    output: Any


def conv_as_matmul(
    inputs: Any,
    kernel: Any,
    strides: Size = 1,
    padding: Padding = "valid",
    dilation: Size = 1,
) -> ConvAsMatmul:
    """Convolve by gathering patches into a matrix and multiplying it by the kernel.

    Many libraries compute convolutions this way. It also shows that a convolution is a
    fully connected layer applied to each patch, with the same weights at every
    position.

    Args:
        inputs: `(batch, *sizes, channels)`, in one, two or three dimensions.
        kernel: `(*kernel_sizes, channels, filters)`, as in Keras.
        strides: One int for every dimension, or one per dimension.
        padding: As for `conv_output_size`.
        dilation: One int for every dimension, or one per dimension.

    Raises:
        ValueError: The shapes do not match, or the kernel does not fit into the input.

    Source:
        Chellapilla et al., "High Performance Convolutional Neural Networks for Document
        Processing", 2006, section 4.1, https://inria.hal.science/inria-00112631.

    Example:
        >>> shown = conv_as_matmul(ops.ones((1, 5, 5, 3)), ops.ones((3, 3, 3, 8)))
        >>> [tuple(x.shape) for x in shown]
        [(9, 27), (27, 8), (1, 3, 3, 8)]
    """
    inputs = ops.convert_to_tensor(inputs)
    kernel = ops.convert_to_tensor(kernel)
    window = tuple(kernel.shape[:-2])
    if len(inputs.shape) != len(window) + 2 or inputs.shape[-1] != kernel.shape[-2]:
        raise ValueError(
            "`inputs` is (batch, *sizes, channels) and `kernel` (*kernel_sizes, "
            f"channels, filters). Received shapes: {tuple(inputs.shape)} and "
            f"{tuple(kernel.shape)}"
        )
    step, gap = spread(strides, len(window)), spread(dilation, len(window))
    sizes = tuple(inputs.shape[1:-1])
    places = conv_output_size(sizes, window, step, padding, gap)
    padded = ops.pad(inputs, [(0, 0), *pads(padding, sizes, window, step, gap), (0, 0)])

    def under(position: Sequence[int]) -> Any:
        """Return the pixels under one element of the kernel, for all its positions."""
        cuts = [
            slice(d * i, d * i + s * (m - 1) + 1, s)
            for i, d, s, m in zip(position, gap, step, places, strict=True)
        ]
        return padded[(slice(None), *cuts)]

    positions = itertools.product(*map(range, window))
    patches = ops.stack([under(position) for position in positions], axis=-2)
    columns = math.prod(kernel.shape[:-1])
    rows = ops.reshape(patches, (-1, columns))
    matrix = ops.reshape(kernel, (columns, -1))
    output = ops.reshape(ops.matmul(rows, matrix), (-1, *places, kernel.shape[-1]))
    return ConvAsMatmul(rows, matrix, output)


def spread(value: Size, rank: int) -> tuple[int, ...]:
    """Return one value per dimension; a single int counts for all."""
    return (value,) * rank if isinstance(value, int) else tuple(value)


def pads(
    padding: Padding,
    sizes: Sequence[int],
    window: Sequence[int],
    step: Sequence[int],
    gap: Sequence[int],
) -> list[tuple[int, int]]:
    """Return the padding of each dimension in pixels, as (before, after)."""
    each = isinstance(padding, str | int)
    paddings: Any = [padding] * len(sizes) if each else padding
    columns = zip(paddings, sizes, window, step, gap, strict=True)
    return [sides(*column) for column in columns]
