"""Both AlexNets against the paper's numbers, Caffe's and PyTorch's arithmetic.

The one-tower form is compared with torchvision's logits in test_parity.
"""

import keras
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from keras_cnnzoo import build, card

# The blobs of BVLC's bvlc_alexnet.caffemodel.
CAFFE = {
    "conv1": 34_944,
    "conv2": 307_456,
    "conv3": 885_120,
    "conv4": 663_936,
    "conv5": 442_624,
    "fc6": 37_752_832,
    "fc7": 16_781_312,
    "head": 4_097_000,
}
# Section 3.5: neurons of each convolution but the first, whose 253,440 no input gives.
NEURONS = {"conv2": 186_624, "conv3": 64_896, "conv4": 64_896, "conv5": 43_264}


@pytest.fixture(scope="module")
def published():
    return build("alexnet_2012")


def test_every_layer_has_caffes_size(published):
    sizes = {layer.name: layer.count_params() for layer in published.layers}
    assert {name: sizes[name] for name in CAFFE} == CAFFE


def test_maps_have_the_papers_number_of_neurons(published):
    outputs = {name: published.get_layer(name).output.shape for name in NEURONS}
    assert {n: np.prod(shape[1:]) for n, shape in outputs.items()} == NEURONS


def test_start_values_are_the_papers(published):
    ones = {"conv2", "conv4", "conv5", "fc6", "fc7"}
    for name in CAFFE.keys() - {"head"}:
        kernel, bias = published.get_layer(name).get_weights()
        assert kernel.std() == pytest.approx(0.01, rel=0.05)
        assert (bias == (name in ones)).all()


def test_input_is_centred_and_not_scaled():
    mean = np.array(card("alexnet_2012").preprocessing.mean, "float32")
    normalization = build("alexnet_2012", classes=0).get_layer("normalization")
    pixels = np.stack([mean, mean + 50])[None, None]
    seen = keras.ops.convert_to_numpy(normalization(pixels))
    np.testing.assert_allclose(seen[0, 0], [[0] * 3, [50] * 3], atol=1e-3)


def _pytorch(images, weights):
    """Towers as groups; ReLU, then normalisation, then overlapping pooling."""

    def conv(x, name, **kwargs):
        kernel, bias = map(torch.tensor, weights[name])
        return F.relu(F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, **kwargs))

    def lrn(x):  # PyTorch divides alpha by the size, the paper does not
        return F.local_response_norm(x, 5, alpha=5e-4, beta=0.75, k=2)

    x = torch.tensor(np.moveaxis(images, -1, 1).copy())
    x = F.max_pool2d(lrn(conv(x, "conv1", stride=4)), 3, 2)
    x = F.max_pool2d(lrn(conv(x, "conv2", padding=2, groups=2)), 3, 2)
    x = conv(x, "conv3", padding=1)
    x = conv(x, "conv4", padding=1, groups=2)
    x = F.max_pool2d(conv(x, "conv5", padding=1, groups=2), 3, 2)
    return np.moveaxis(x.numpy(), 1, -1)


def _body(name, **options):
    return build(
        name, input_shape=(99, 83, 3), classes=0, preprocessing=False, **options
    )


def test_features_are_the_papers_arithmetic(rng):
    images = rng.normal(scale=60, size=(2, 99, 83, 3)).astype("float32")
    model = _body("alexnet_2012")
    for layer in model.layers:
        if layer.name.startswith("conv"):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel * 3, rng.normal(size=bias.shape)])
    weights = {layer.name: layer.get_weights() for layer in model.layers}
    expected = _pytorch(images, weights)
    np.testing.assert_allclose(
        model.predict(images, verbose=0),
        expected,
        rtol=1e-4,
        atol=1e-4 * expected.max(),
    )


@pytest.mark.parametrize("name", ["alexnet", "alexnet_2012"])
def test_channels_first_is_the_same_network(rng, name, request):
    images = rng.normal(scale=60, size=(2, 99, 83, 3)).astype("float32")
    last = _body(name)
    expected = last.predict(images, verbose=0)
    request.getfixturevalue("channels_first")
    first = build(name, input_shape=(3, 99, 83), classes=0, preprocessing=False)
    first.set_weights(last.get_weights())
    got = first.predict(np.moveaxis(images, -1, 1), verbose=0)
    np.testing.assert_allclose(
        np.moveaxis(got, 1, -1), expected, rtol=1e-3, atol=1e-4 * expected.max()
    )


@pytest.mark.parametrize(
    ("pool", "layer"),
    [("avg", "AveragePooling2D"), ("l2", "L2NormPooling2D"), ("max", "MaxPooling2D")],
)
@pytest.mark.parametrize("name", ["alexnet", "alexnet_2012"])
def test_pool_swaps_the_inner_pooling(name, pool, layer):
    model = _body(name, pool=pool)
    poolings = [model.get_layer(f"pool{i}") for i in (1, 2, 5)]
    assert {type(pooling).__name__ for pooling in poolings} == {layer}


def test_unknown_pooling_names_the_known():
    with pytest.raises(ValueError, match=r"\['max', 'avg', 'l2'\].* 'median'"):
        _body("alexnet", pool="median")


def test_dropout_stands_behind_the_papers_dense_layers(published):
    names = [layer.name for layer in published.layers]
    assert names[names.index("flatten") + 1 :] == [
        "fc6",
        "fc6_dropout",
        "fc7",
        "fc7_dropout",
        "head",
    ]
    assert published.get_layer("fc6_dropout").rate == 0.5


def test_torchvisions_dropout_stands_before():
    names = [layer.name for layer in build("alexnet", classes=2).layers]
    assert names[names.index("flatten") + 1 :] == [
        "fc6_dropout",
        "fc6",
        "fc7_dropout",
        "fc7",
        "head",
    ]
