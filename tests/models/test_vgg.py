"""VGG against the paper's table and torchvision's names.

The logits of vgg16_bn are compared with torchvision's in test_parity.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from keras_cnnzoo import build, list_models
from keras_cnnzoo.models.vgg import FAMILY
from keras_cnnzoo.weights.naming import places

# Where torchvision's state dicts have a weight of four dimensions.
TORCHVISION = {
    "vgg11": [0, 3, 6, 8, 11, 13, 16, 18],
    "vgg11_bn": [0, 4, 8, 11, 15, 18, 22, 25],
    "vgg13": [0, 2, 5, 7, 10, 12, 15, 17, 20, 22],
    "vgg16": [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28],
    "vgg16_bn": [0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40],
    "vgg19": [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34],
}
SMALL = {"input_shape": (32, 48, 3), "classes": 0, "preprocessing": False}


@pytest.mark.parametrize("name", list_models("vgg*"))
def test_a_name_counts_the_layers_with_kernels(name):
    model = build(name, **SMALL)
    convolutions = [layer for layer in model.layers if hasattr(layer, "kernel")]
    dense = 3
    assert len(convolutions) + dense == int(name.removeprefix("vgg")[:2])
    assert all(layer.kernel_size == (3, 3) for layer in convolutions)


@pytest.mark.parametrize("name", TORCHVISION)
def test_names_of_torchvision_are_known(name):
    paths = [v.path for v in build(name, **SMALL).weights]
    theirs = places(paths, FAMILY.name_maps["torchvision"])
    found = [at.name for path, at in theirs.items() if path.endswith("kernel")]
    assert found == [f"features.{n}.weight" for n in TORCHVISION[name]]


def test_features_are_pytorchs_arithmetic(rng):
    images = rng.normal(size=(2, 32, 48, 3)).astype("float32")
    model = build("vgg11_bn", **SMALL)
    x = torch.tensor(np.moveaxis(images, -1, 1).copy())
    for layer in model.layers[1:]:
        weights = layer.get_weights()
        if "_conv" in layer.name:
            layer.set_weights([weights[0], rng.normal(size=weights[1].shape)])
            kernel, bias = map(torch.tensor, layer.get_weights())
            x = F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, padding=1)
        elif "_bn" in layer.name:
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in weights])
            gamma, beta, mean, variance = map(torch.tensor, layer.get_weights())
            x = F.relu(F.batch_norm(x, mean, variance, gamma, beta, eps=1e-5))
        elif "_pool" in layer.name:
            x = F.max_pool2d(x, 2)
    expected = np.moveaxis(x.numpy(), 1, -1)
    np.testing.assert_allclose(
        model.predict(images, verbose=0),
        expected,
        rtol=1e-3,
        atol=1e-4 * expected.max(),
    )


def test_batch_norm_has_pytorchs_constants():
    layers = build("vgg11_bn", **SMALL).layers
    norms = [layer for layer in layers if "_bn" in layer.name]
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.9, 1e-5)}


def test_channels_first_is_the_same_network(rng, request):
    images = rng.normal(size=(2, 32, 48, 3)).astype("float32")
    last = build("vgg11_bn", **SMALL)
    expected = last.predict(images, verbose=0)
    request.getfixturevalue("channels_first")
    first = build("vgg11_bn", **(SMALL | {"input_shape": (3, 32, 48)}))
    first.set_weights(last.get_weights())
    got = first.predict(np.moveaxis(images, -1, 1), verbose=0)
    np.testing.assert_allclose(
        np.moveaxis(got, 1, -1), expected, rtol=1e-3, atol=1e-4 * expected.max()
    )


@pytest.mark.parametrize(
    ("pool", "layer"), [("avg", "AveragePooling2D"), ("l2", "L2NormPooling2D")]
)
def test_pool_swaps_the_inner_pooling(pool, layer):
    model = build("vgg11", pool=pool, **SMALL)
    poolings = [model.get_layer(f"stage{s}_pool") for s in range(1, 6)]
    assert {type(pooling).__name__ for pooling in poolings} == {layer}


def test_images_too_small_are_refused_by_name():
    with pytest.raises(ValueError, match="'vgg11' does not fit images of shape"):
        build("vgg11", input_shape=(31, 31, 3))
