"""Images that filters like, and what is seen in a picture."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from methods import logits

from keras_cnnzoo import inspect
from keras_cnnzoo.inspect.attribution.ascent import natural


@pytest.fixture(scope="module")
def model():
    """A plain net of 16x16 pixels, whose input is 0..255."""
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Rescaling(1 / 127.5, -1),
            layers.Conv2D(8, 3, activation="relu", name="conv1"),
            layers.Conv2D(8, 3, activation="relu", name="conv2"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, activation="softmax", name="head"),
        ]
    )


def _noise(count=64):
    noise = natural(np.random.default_rng(9).normal(size=(count, 16, 16, 3)))
    return np.clip(127.5 + 64 * noise, 0, 255).astype("float32")


def _means(model, layer, images):
    """Return the mean of each channel of a layer, for each image."""
    return inspect.tap(model, layer)(images.astype("float32"))[layer].mean((1, 2))


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_a_filter_answers_to_its_image_as_to_no_noise(model, layer):
    noise = _means(model, layer, _noise())
    channels = np.flatnonzero(noise.std(0) > 0.01)[:3]
    drawn = inspect.maximise(model, layer, channels, steps=48)
    assert drawn.shape == (len(channels), 16, 16, 3)
    assert drawn.dtype == "uint8"
    found = _means(model, layer, drawn)
    for i, channel in enumerate(channels):
        assert found[i, channel] > 1.5 * noise[:, channel].max()


def test_a_class_answers_to_its_image_by_its_logit(model):
    drawn = inspect.maximise(model, "head", [0, 1, 2, 3], steps=48)
    found, noise = (logits(model, images) for images in (drawn, _noise()))
    assert (np.diag(found) > noise.max(0) + 2 * noise.std(0)).all()


def test_a_whole_layer_is_made_large(model):
    drawn = inspect.maximise(model, "conv2", steps=48)
    assert drawn.shape == (16, 16, 3)
    look = inspect.tap(model, "conv2")
    squares = [
        np.square(look(images)["conv2"]).mean((1, 2, 3)).max()
        for images in (drawn[None].astype("float32"), _noise())
    ]
    assert squares[0] > 2 * squares[1]


def test_the_same_seed_makes_the_same_image(model):
    one, two, other = (
        inspect.maximise(model, "conv1", 1, steps=4, seed=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
    several = inspect.maximise(model, "conv1", [2, 1], steps=4)
    # A batch of another length may round otherwise.
    assert np.abs(several[1].astype(int) - one).max() <= 1


@pytest.mark.once
def test_every_kind_of_model(subject):
    _, model, about = subject
    layer = list(inspect.find(model, inspect.CONVOLUTION))[-1]
    options = {"steps": 3, "value_range": (0, about.high)}
    drawn = inspect.maximise(model, layer, jitter=1, **options)
    dreamt = inspect.deep_dream(model, drawn, layer, octaves=1, **options)
    for picture in (drawn, dreamt):
        assert picture.shape == about.shape
        assert np.ptp(picture) > 0
    assert (drawn != dreamt).any()


def test_any_size_where_the_model_takes_any():
    conv = layers.Conv2D(4, 3, name="conv")
    model = keras.Sequential([keras.Input((None, None, 1)), conv])
    drawn = inspect.maximise(model, conv, 0, steps=2, size=(20, 24))
    assert drawn.shape == (20, 24, 1)
    picture = np.random.default_rng(0).uniform(0, 255, (20, 24, 1))
    dreamt = inspect.deep_dream(model, picture, conv, steps=2, octaves=2)
    assert dreamt.shape == (20, 24, 1)


@pytest.mark.parametrize(
    ("layer", "channel", "options", "says"),
    [
        ("conv1", 8, {}, "0..7"),
        ("conv1", -1, {}, "0..7"),
        ("conv*", 0, {}, "conv1, conv2"),
        ("conv1", 0, {"size": 20}, r"\(16, 16\)"),
        ("conv1", 0, {"value_range": (1, 0)}, "value_range"),
    ],
)
def test_what_makes_no_sense(model, layer, channel, options, says):
    with pytest.raises(ValueError, match=says):
        inspect.maximise(model, layer, channel, **options)


def test_a_dead_channel_is_named():
    conv = layers.Conv2D(2, 3, activation="relu", name="conv")
    model = keras.Sequential([keras.Input((16, 16, 3)), conv])
    kernel, _ = conv.get_weights()
    conv.set_weights([np.abs(kernel), np.array([0, -1e6])])
    assert inspect.maximise(model, "conv", 0, steps=2).shape == (16, 16, 3)
    with pytest.raises(ValueError, match=r"channel \[1\] of 'conv'"):
        inspect.maximise(model, "conv", [0, 1], steps=2)


def test_no_gradient_is_refused():
    inputs = keras.Input((16, 16, 3))
    outputs = layers.Conv2D(2, 3, name="conv")(ops.stop_gradient(inputs))
    model = keras.Model(inputs, outputs)
    for draw in (
        lambda: inspect.maximise(model, "conv", 0, steps=2),
        lambda: inspect.deep_dream(model, np.ones((16, 16, 3)), "conv", steps=2),
    ):
        with pytest.raises(ValueError, match=r"gradient|give the same"):
            draw()


def test_a_dream_excites_its_layers(model):
    y, x = np.mgrid[:28, :36]
    picture = np.stack([x * 7, y * 9, 255 - x * 7], -1).astype("uint8")
    dreamt = inspect.deep_dream(model, picture, ["conv1", "conv2"], octaves=2, steps=6)
    assert dreamt.shape == picture.shape
    assert dreamt.dtype == "uint8"
    look = inspect.tap(model, "conv2")
    before, after = (
        np.square(look(image[None, 4:20, 8:24].astype("float32"))["conv2"]).mean()
        for image in (picture, dreamt)
    )
    assert after > 1.2 * before
    again = inspect.deep_dream(model, picture, ["conv1", "conv2"], octaves=2, steps=6)
    np.testing.assert_array_equal(again, dreamt)


def test_a_dream_needs_a_picture(model):
    with pytest.raises(ValueError, match=r"\(height, width, 3\)"):
        inspect.deep_dream(model, np.ones((16, 16, 1)), "conv1")


@pytest.mark.once
def test_natural_frequencies_fall_off_as_in_photographs():
    drawn = natural(np.random.default_rng(0).normal(size=(8, 64, 64, 1)))
    power = np.abs(np.fft.fft2(drawn[..., 0])) ** 2
    slow, fast = power[:, 0, 8].mean(), power[:, 0, 32].mean()
    # Amplitude falls with frequency: a fourth of it, a sixteenth of the power.
    assert 8 < slow / fast < 32
    np.testing.assert_allclose(drawn.std((1, 2, 3)), 1)
