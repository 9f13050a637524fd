"""The channel shuffle against PyTorch's."""

import numpy as np
import pytest
from keras import ops

from keras_cnnzoo.layers import ChannelShuffle


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_shuffles_as_torch(groups, rng):
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(2, 4, 5, 12)).astype("float32")
    expected = torch.nn.ChannelShuffle(groups)(torch.tensor(x).permute(0, 3, 1, 2))
    got = ops.convert_to_numpy(ChannelShuffle(groups)(x))
    np.testing.assert_array_equal(got, expected.permute(0, 2, 3, 1).numpy())


def test_channels_must_divide():
    with pytest.raises(ValueError, match=r"10 channels .* groups=3"):
        ChannelShuffle(3)(np.zeros((1, 2, 2, 10)))
    with pytest.raises(ValueError, match="at least 1"):
        ChannelShuffle(0)
