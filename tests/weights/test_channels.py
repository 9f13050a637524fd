"""Weights of colour images in networks for grey ones, and for other channels."""

import functools
import warnings

import keras
import numpy as np
import pytest

from keras_cnnzoo import build, weights
from keras_cnnzoo.cards import Preprocessing, Weights
from keras_cnnzoo.registry import card, family_of
from keras_cnnzoo.verify import reference_weights

#: Stems: of a plain convolution, with a bias, of several branches, of a dense layer,
#: with images from -1 to 1, and of grey images in the first place.
NAMES = ("resnet18", "vgg11", "repvgg_a0", "mlp", "mobilenet_v1", "lenet5")
CAFFE = Preprocessing(mean=(104.0, 117.0, 123.0), std=(1.0,) * 3, order="bgr")
ODD = Preprocessing(mean=(90.0, 130.0, 160.0), std=(40.0, 70.0, 50.0))


def _options(name):
    family = family_of(name)
    return dict(family.sketch) | {"classifier_activation": None}


def _side(name):
    return {"resnet18": 32, "repvgg_a0": 32, "mobilenet_v1": 32}.get(
        name, card(name).input_shape[0]
    )


@functools.cache
def _colour(name, preprocessing=True):
    """A network for colour images with weights of some size, and these by path."""
    side = _side(name)
    shape = {"input_shape": (side, side, 3)}
    model = build(name, preprocessing=preprocessing, **_options(name) | shape)
    drawn = reference_weights(
        {
            v.path: tuple(v.shape)
            for v in model.weights
            if "normalization/" not in v.path
        }
    )
    weights.load(model, drawn, strict=False)
    return model


def _values(model):
    return {v.path: np.array(keras.ops.convert_to_numpy(v)) for v in model.weights}


def _answer(model, grey, channels):
    images = np.repeat(grey, channels, axis=-1)
    return keras.ops.convert_to_numpy(model(images, training=False))


def _assert_same(name, source, channels, colour, **options):
    side = _side(name)
    grey = np.random.default_rng(0).uniform(0, 255, (2, side, side, 1))
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        shape = {"input_shape": (side, side, channels)}
        model = build(name, weights=source, **_options(name) | options | shape)
    expected = _answer(colour, grey, 3)
    got = _answer(model, grey, channels)
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.once
@pytest.mark.parametrize("channels", [1, 2, 4, 5])
@pytest.mark.parametrize("name", NAMES)
def test_equal_channels_get_the_answer_of_colour(name, channels):
    colour = _colour(name)
    _assert_same(name, _values(colour), channels, colour)


@pytest.mark.parametrize("channels", [1, 2, 4, 5])
@pytest.mark.parametrize("seen", [CAFFE, ODD], ids=["caffe", "odd"])
def test_whatever_the_colours_of_the_source(seen, channels):
    colour = _colour("resnet18")
    before = _values(colour)
    theirs = {p: x for p, x in before.items() if "normalization/" not in p}
    try:
        weights.load(colour, before, preprocessing=seen)
        row = Weights(
            tag="x/y", source="x", url="https://x", license="MIT", preprocessing=seen
        )
        from keras_cnnzoo.weights.resolve import Source

        source = Source(model="resnet18", name="x/y", arrays=theirs, row=row)
        _assert_same("resnet18", source, channels, colour)
        _assert_same("resnet18", _values(colour), channels, colour)
    finally:
        weights.load(colour, before)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_without_normalisation_too(channels):
    colour = _colour("resnet18", preprocessing=False)
    _assert_same("resnet18", _values(colour), channels, colour, preprocessing=False)


@pytest.mark.parametrize("end", [".safetensors", ".npz", ".weights.h5", ".keras"])
def test_ones_own_file_loads_into_other_channels(end, tmp_path):
    colour = _colour("resnet18")
    path = tmp_path / f"own{end}"
    if end == ".npz":
        np.savez(path, **_values(colour))
    elif end == ".safetensors":
        weights.save_safetensors(colour, path)
    else:
        (colour.save if end == ".keras" else colour.save_weights)(path)
    for channels in (1, 4):
        _assert_same("resnet18", path, channels, colour)


def test_weights_go_from_grey_to_colour_as_well(tmp_path):
    options = _options("resnet18")
    grey = build("resnet18", input_shape=(32, 32, 1), **options)
    path = tmp_path / "grey.safetensors"
    weights.save_safetensors(grey, path)
    colour = build("resnet18", input_shape=(32, 32, 3), weights=path, **options)
    image = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 1))
    np.testing.assert_allclose(
        _answer(colour, image, 3), _answer(grey, image, 1), rtol=1e-5, atol=1e-6
    )


def test_a_grey_image_is_not_rounded_under_a_mixed_policy(policy):
    policy("mixed_float16")
    model = build("resnet18", input_shape=(32, 32, 1), **_options("resnet18"))
    assert model.get_layer("grey_to_rgb").output.dtype == "float32"


@pytest.mark.once
def test_a_depthwise_stem_is_adapted_to_grey_alone():
    colour = _colour("bn_inception")
    _assert_same("bn_inception", _values(colour), 1, colour)
    options = _options("bn_inception") | {"input_shape": (224, 224, 4)}
    with pytest.raises(ValueError, match="cannot be adapted to 4"):
        build("bn_inception", weights=_values(colour), **options)


@pytest.mark.once
def test_other_channels_are_said_in_one_warning():
    values = _values(_colour("resnet18"))
    options = _options("resnet18") | {"input_shape": (32, 32, 4)}
    with pytest.warns(UserWarning, match="stem_conv/kernel adapted") as said:
        build("resnet18", weights=values, **options)
    assert len([w for w in said if "adapted" in str(w.message)]) == 1
