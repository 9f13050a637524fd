"""The sizes that the formulas give are those of Keras's and PyTorch's own layers."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo.inspect import (
    conv_output_size,
    padding_for,
    pool_output_size,
    same_padding,
    transposed_output_size,
)

KINDS = {
    1: (layers.Conv1D, layers.MaxPooling1D, layers.Conv1DTranspose),
    2: (layers.Conv2D, layers.MaxPooling2D, layers.Conv2DTranspose),
    3: (layers.Conv3D, layers.MaxPooling3D, layers.Conv3DTranspose),
}
#: Sizes and arguments that differ from one dimension to the next.
SIZES, KERNELS, STRIDES = (9, 6, 7), (3, 2, 1), (2, 3, 1)


def _spatial(layer, sizes):
    x = np.zeros((1, *sizes, 1), "float32")
    return tuple(layer(x).shape)[1:-1]


@pytest.mark.parametrize("rank", KINDS)
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_sizes_are_those_of_keras_layers(rank, padding):
    conv, pool, transposed = KINDS[rank]
    sizes, kernel, stride = SIZES[:rank], KERNELS[:rank], STRIDES[:rank]
    for step, gap in ((stride, 1), (1, 2)):
        layer = conv(1, kernel, step, padding, dilation_rate=gap)
        expected = conv_output_size(sizes, kernel, step, padding, gap)
        assert _spatial(layer, sizes) == expected
    for step in (stride, None):
        layer = pool(kernel, step, padding)
        assert _spatial(layer, sizes) == pool_output_size(sizes, kernel, step, padding)
    layer = transposed(1, kernel, stride, padding)
    expected = transposed_output_size(sizes, kernel, stride, padding)
    assert _spatial(layer, sizes) == expected


GRID = list(itertools.product((5, 8, 9), (1, 2, 3, 5), (1, 2, 3), (1, 2)))


@pytest.mark.once
@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
def test_a_grid_of_one_dimension(padding):
    for size, kernel, stride, dilation in GRID:
        if padding == "valid" and dilation * (kernel - 1) + 1 > size:
            with pytest.raises(ValueError, match="does not fit"):
                conv_output_size(size, kernel, stride, padding, dilation)
        elif stride == 1 or dilation == 1:
            layer = layers.Conv1D(1, kernel, stride, padding, dilation_rate=dilation)
            (expected,) = _spatial(layer, (size,))
            found = conv_output_size(size, kernel, stride, padding, dilation)
            assert found == expected, (size, kernel, stride, dilation)


@pytest.mark.once
@pytest.mark.parametrize("extra", [None, 0, 1])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_grid_of_transposed_convolutions(padding, extra):
    for size, kernel, stride in itertools.product((3, 6), (1, 2, 3, 4), (2, 3)):
        layer = layers.Conv1DTranspose(1, kernel, stride, padding, extra)
        (expected,) = layer.compute_output_shape((1, size, 1))[1:-1]
        found = transposed_output_size(
            size, kernel, stride, padding, output_padding=extra
        )
        assert found == expected, (size, kernel, stride)


@pytest.mark.once
def test_explicit_padding_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    for (size, kernel, stride, dilation), pad in itertools.product(GRID, (0, 1, 2)):
        x, weight = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel)
        if dilation * (kernel - 1) + 1 <= size + 2 * pad:
            y = functional.conv1d(x, weight, None, stride, pad, dilation)
            assert y.shape[2] == conv_output_size(size, kernel, stride, pad, dilation)
            y = functional.conv_transpose1d(
                x, weight, None, stride, pad, 0, 1, dilation
            )
            if y.shape[2] > 0:
                found = transposed_output_size(size, kernel, stride, pad, dilation)
                assert y.shape[2] == found
        if 2 * pad <= kernel:
            for ceil in (False, True):
                y = functional.max_pool1d(x, kernel, stride, pad, ceil_mode=ceil)
                found = pool_output_size(size, kernel, stride, pad, ceil_mode=ceil)
                assert y.shape[2] == found, (size, kernel, stride, pad, ceil)
    # A window that reaches over the end though the input is smaller.
    y = functional.max_pool1d(torch.zeros(1, 1, 2), 3, 2, ceil_mode=True)
    assert y.shape[2] == pool_output_size(2, 3, 2, ceil_mode=True)
    assert conv_output_size(np.int64(32), np.int64(3), padding=np.int64(1)) == 32
    y = functional.conv2d(
        torch.zeros(1, 1, 9, 8), torch.zeros(1, 1, 3, 5), padding=(1, 2)
    )
    assert tuple(y.shape[2:]) == conv_output_size((9, 8), (3, 5), padding=(1, 2))


@pytest.mark.once
@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_the_words_mean_what_they_mean_in_numpy(mode):
    for n, k in itertools.product((5, 6, 9), (1, 2, 3, 5)):
        expected = np.convolve(np.zeros(n), np.zeros(k), mode).size
        assert conv_output_size(n, k, padding=mode) == expected


@pytest.mark.once
def test_the_padding_that_keeps_a_size_keeps_it():
    for size, kernel, stride, dilation in GRID:
        before, after = same_padding(kernel, stride, dilation, size)
        wanted = -(-size // stride)
        found = conv_output_size(size, kernel, stride, [before, after], dilation)
        assert found == wanted
        assert after - before in (0, 1)
        # It is where Keras pads as well: the first window begins at the same pixel.
        assert padding_for(size, wanted, kernel, stride, dilation) == (before, after)
    assert same_padding(7) == (3, 3)
    assert same_padding((3, 4)) == ((1, 1), (1, 2))


def test_same_padding_lies_where_keras_pads():
    # A kernel of ones over ones counts the pixels that are under it.
    for size, kernel, stride in ((8, 3, 2), (9, 3, 2), (7, 4, 1), (8, 5, 3)):
        x = np.ones((1, size, 1), "float32")
        y = keras.ops.conv(
            x, np.ones((kernel, 1, 1), "float32"), stride, "same", "channels_last"
        )
        pad = same_padding(kernel, stride, input=size)
        padded = np.pad(np.ones(size), pad)
        under = [padded[i : i + kernel].sum() for i in range(0, size, stride)]
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(y).ravel(), under[: y.shape[1]]
        )


@pytest.mark.once
def test_none_goes_through():
    assert conv_output_size(None, 3) is None
    assert conv_output_size((None, 7), 3) == (None, 5)
    assert pool_output_size((None, 7), 2) == (None, 3)
    assert transposed_output_size((None, 7), 2, 2) == (None, 14)


@pytest.mark.once
@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: conv_output_size(4, 5), r"does not fit into 4 pixels"),
        (lambda: conv_output_size((4, 4), (1, 2, 3)), "one per dimension"),
        (lambda: conv_output_size(4, 2, 0), "`stride` is of positive ints"),
        (lambda: conv_output_size(4, 2, padding="some"), r"'valid', 'same', 'full'"),
        (lambda: conv_output_size(4, 2, padding=(1, 2, 3)), "Received: .1, 2, 3."),
        (lambda: conv_output_size((4, 4), 2, padding=(1, 2, 3)), "2 dimensions, and 3"),
        (lambda: padding_for(9, 2, 3), "more than 2 windows without any padding"),
        (
            lambda: transposed_output_size(4, 2, padding="full"),
            "transposed convolution",
        ),
    ],
)
def test_what_is_wrong_is_said(call, says):
    with pytest.raises(ValueError, match=says):
        call()
