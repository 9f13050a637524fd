"""Padded max pooling against PyTorch's, floor and ceil."""

import numpy as np
import pytest
from keras import ops

from keras_cnnzoo.layers import PaddedMaxPooling2D


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(3, 2, 0), (3, 2, 1), (2, 2, 0), (3, 1, 1)]
)
def test_pools_as_torch(size, stride, padding, ceil_mode, rng):
    torch = pytest.importorskip("torch")
    for height, width in ((7, 8), (9, 10), (5, 3)):
        x = rng.normal(size=(2, height, width, 3)).astype("float32") - 3
        pooling = torch.nn.MaxPool2d(size, stride, padding, ceil_mode=ceil_mode)
        expected = pooling(torch.tensor(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        got = PaddedMaxPooling2D(size, stride, padding, ceil_mode=ceil_mode)(x)
        np.testing.assert_array_equal(ops.convert_to_numpy(got), expected.numpy())


def test_no_window_may_be_empty():
    with pytest.raises(ValueError, match="half of pool_size"):
        PaddedMaxPooling2D(3, 2, padding=2)
    with pytest.raises(ValueError, match="at least strides"):
        PaddedMaxPooling2D(2, 3, ceil_mode=True)
