"""Averaging to a fixed size, against PyTorch's windows."""

import numpy as np
import pytest

from keras_cnnzoo.layers import AdaptivePooling2D


@pytest.mark.parametrize("size", [1, 2, 6, 7])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 9), (13, 7), (14, 21)])
def test_windows_are_pytorchs(size, height, width):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, height, width, 3)).astype("float32")
    theirs = torch.nn.functional.adaptive_avg_pool2d(
        torch.tensor(np.moveaxis(x, -1, 1)), size
    )
    got = np.asarray(AdaptivePooling2D(size)(x))
    np.testing.assert_allclose(got, np.moveaxis(theirs.numpy(), 1, -1), atol=1e-6)


def test_size_is_checked():
    with pytest.raises(ValueError, match="at least 1"):
        AdaptivePooling2D(0)
