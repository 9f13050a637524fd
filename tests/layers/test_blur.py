"""Blur pooling against the sum written out, with the paper's kernels."""

import numpy as np
import pytest
from keras import ops

from keras_cnnzoo.layers import BlurPool2D

#: Table of the paper's section 3: Rectangle-2, Triangle-3 and Binomial-5, and more.
KERNELS = {
    2: (1, 1),
    3: (1, 2, 1),
    4: (1, 3, 3, 1),
    5: (1, 4, 6, 4, 1),
    6: (1, 5, 10, 10, 5, 1),
    7: (1, 6, 15, 20, 15, 6, 1),
}


def _expected(x, size, strides, padding):
    line = np.array(KERNELS[size]) / sum(KERNELS[size])
    if padding != "valid":
        room = ((size - 1) // 2, size // 2)
        x = np.pad(x, ((0, 0), room, room, (0, 0)), mode=padding)
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))
    windows = windows[:, ::strides, ::strides]
    return np.einsum("bhwcij,i,j->bhwc", windows, line, line)


@pytest.mark.parametrize("padding", ["reflect", "constant", "valid"])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("size", KERNELS)
def test_is_the_sum_written_out(size, strides, padding, rng):
    for height, width in ((8, 9), (7, 12)):
        x = rng.normal(size=(2, height, width, 3)).astype("float32")
        got = ops.convert_to_numpy(BlurPool2D(size, strides, padding)(x))
        expected = _expected(x, size, strides, padding)
        np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize(("size", "strides"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_is_a_torch_convolution_padded_as_timms(size, strides, rng):
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(2, 9, 8, 3)).astype("float32")
    padding = (strides - 1 + size - 1) // 2  # timm.layers.padding.get_padding
    line = torch.tensor(KERNELS[size]) / sum(KERNELS[size])
    kernel = torch.outer(line, line).expand(3, 1, size, size)
    padded = torch.nn.ReflectionPad2d(padding)(torch.tensor(x).permute(0, 3, 1, 2))
    expected = torch.nn.functional.conv2d(padded, kernel, stride=strides, groups=3)
    got = ops.convert_to_numpy(BlurPool2D(size, strides)(x))
    np.testing.assert_allclose(got, expected.permute(0, 2, 3, 1).numpy(), atol=1e-5)


def test_a_checkerboard_becomes_grey():
    board = np.indices((8, 8)).sum(0) % 2
    x = board.reshape(1, 8, 8, 1).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(BlurPool2D()(x)), 0.5)


def test_bad_arguments_are_answered():
    with pytest.raises(ValueError, match="`pool_size` is an int of at least 2"):
        BlurPool2D(1)
    with pytest.raises(ValueError, match="`strides` is an int of at least 1"):
        BlurPool2D(strides=0)
    with pytest.raises(ValueError, match="'reflect' or 'constant' or 'valid'"):
        BlurPool2D(padding="same")
    with pytest.raises(ValueError, match="at least 2 pixels a side"):
        BlurPool2D()(np.zeros((1, 1, 5, 1), "float32"))
