"""Features that move with the image, and answers that stay."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo.inspect import equivariance
from keras_cnnzoo.layers import BlurPool2D


@pytest.fixture(scope="module")
def images():
    """Noise as smooth as photographs are."""
    from scipy import ndimage

    noise = np.random.default_rng(0).normal(size=(6, 32, 32, 2))
    smooth = ndimage.gaussian_filter(noise, (0, 1.0, 1.0, 0), mode="wrap")
    return (smooth / smooth.std()).astype("float32")


def _model(*middle):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((32, 32, 2)),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="conv"),
            *middle,
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(4, activation="softmax", name="head"),
        ]
    )


def _subsampled():
    """Build three ways to take half of the rows and columns; two blur before."""
    return {
        "max": _model(layers.MaxPooling2D(2, name="pool")),
        "blur": _model(
            layers.MaxPooling2D(2, strides=1, padding="same", name="max"),
            BlurPool2D(3, name="pool"),
        ),
        "wide": _model(
            layers.MaxPooling2D(2, strides=1, padding="same", name="max"),
            BlurPool2D(5, name="pool"),
        ),
    }


def test_without_a_stride_features_move_exactly(images):
    model = _model(layers.MaxPooling2D(3, strides=1, name="pool"))
    for shift in (1, (0, 3), (-4, 2)):
        found = equivariance(model, images, shift)
        assert found.layer == "pool"
        assert found.interior
        assert found.distance < 1e-5


def test_with_a_stride_they_move_at_its_multiples_alone(images):
    model = _subsampled()["max"]
    exact = equivariance(model, images, [(2, 2), (0, -4), (6, 0)])
    assert exact.distance < 1e-5
    assert equivariance(model, images, (1, 1)).distance > 0.1
    # In front of the stride they still do.
    assert equivariance(model, images, 1, "conv").distance < 1e-5


def test_blurring_before_the_stride_helps(images):
    found = {
        name: equivariance(model, images, [(1, 0), (0, 1), (1, 1)], "pool")
        for name, model in _subsampled().items()
    }
    assert found["blur"].distance < 0.8 * found["max"].distance
    assert found["wide"].distance < found["blur"].distance
    # And so the answer is steadier.
    assert found["blur"].change < found["max"].change


def test_the_measures_are_what_they_say(images):
    # A model that knows where it looks: the sign of the left upper pixel.
    inputs = keras.Input((32, 32, 2))
    x = layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", name="conv")(
        inputs
    )
    corner = layers.Flatten()(layers.Cropping2D(((0, 31), (0, 31)))(x))
    both = layers.Concatenate()([corner, layers.Rescaling(-1.0)(corner)])
    model = keras.Model(inputs, both)
    found = equivariance(model, images, (1, 0), "conv")
    summed = images.sum(-1)
    before, after = summed[:, 0, 0], summed[:, -1, 0]
    assert found.consistency == np.mean((before > 0) == (after > 0))
    sigmoid = [1 / (1 + np.exp(-2 * x)) for x in (before, after)]
    assert found.change == pytest.approx(
        np.abs(sigmoid[0] - sigmoid[1]).mean(), rel=1e-4
    )
    assert found.distance < 1e-6


def test_the_whole_map_where_there_is_no_interior(images):
    model = _model(layers.Conv2D(4, 31, padding="same", name="wide"))
    found = equivariance(model, images, 3)
    assert found.layer == "wide"
    assert not found.interior
    assert 0 < found.distance < 2


def test_every_kind_of_model(subject):
    _, model, about = subject
    found = equivariance(model, about.images(2), 4)
    assert 0 <= found.distance <= 2
    assert 0 <= found.consistency <= 1
    assert 0 <= found.change <= 1


@pytest.mark.once
def test_channels_first(images, channels_first):
    inputs = keras.Input((2, 32, 32))
    model = keras.Model(inputs, layers.Conv2D(3, 3, name="conv")(inputs))
    found = equivariance(model, np.moveaxis(images, -1, 1), (2, 1))
    assert found.interior
    assert found.distance < 1e-5
    assert found.consistency is None


@pytest.mark.once
def test_what_is_wrong_is_said(images):
    model = _model()
    with pytest.raises(ValueError, match="gives no map"):
        equivariance(model, images, 1, "head")
    with pytest.raises(ValueError, match="names 3: conv, average, head"):
        equivariance(model, images, 1, "*")
    dense = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(3)]
    )
    with pytest.raises(ValueError, match="no layer that gives a map"):
        equivariance(dense, np.zeros((1, 4, 4, 1)), 1)
