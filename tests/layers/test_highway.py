"""The highway block against its formula in PyTorch."""

import numpy as np
import torch
from keras import ops
from torch.nn import functional

from keras_cnnzoo.layers import HighwayBlock


def test_is_the_papers_formula(rng):
    x = rng.normal(size=(2, 5, 6, 4)).astype("float32")
    block = HighwayBlock()
    block(x)
    block.set_weights([rng.normal(scale=0.3, size=w.shape) for w in block.weights])
    given = torch.tensor(x).permute(0, 3, 1, 2)

    def convolved(conv):
        kernel, bias = (torch.tensor(w) for w in conv.get_weights())
        return functional.conv2d(given, kernel.permute(3, 2, 0, 1), bias, padding=1)

    transform = convolved(block.gate).sigmoid()
    expected = convolved(block.conv).relu() * transform + given * (1 - transform)
    got = ops.convert_to_numpy(block(x))
    np.testing.assert_allclose(got, expected.permute(0, 2, 3, 1), atol=1e-5)


def test_starts_by_handing_on_its_input(rng):
    block = HighwayBlock(kernel_initializer="he_normal")
    x = rng.normal(size=(2, 8, 8, 4)).astype("float32")
    assert np.abs(ops.convert_to_numpy(block(x)) - x).mean() < 0.3 * np.abs(x).mean()
    np.testing.assert_array_equal(ops.convert_to_numpy(block.gate.bias), -2)
    kernels = (ops.convert_to_numpy(conv.kernel) for conv in (block.conv, block.gate))
    assert not np.allclose(*kernels)
