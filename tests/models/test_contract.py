"""One contract for every model. A new family is covered the day its file lands."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from keras_cnnzoo import build, card, inspect, list_models
from keras_cnnzoo.registry import families, family_of

STATED = [
    name for name in list_models() if family_of(name).variants[name].params is not None
]
#: The smallest of each family, by what its card states.
SMALLEST = [
    min(family.variants, key=lambda name: family.variants[name].params)
    for family in families()
    if set(family.variants) <= set(STATED)
]
OURS = [
    pytest.param(name, marks=() if name in SMALLEST else pytest.mark.slow)
    for name in STATED
]
each_model = pytest.mark.parametrize("name", OURS)
#: Above this, weights are dear to draw and to save, and mostly one dense layer's.
LARGE = 100_000_000


@functools.cache
def _model(name):
    """Build once for all tests that do not change what a model is."""
    return build(name, classes=7)


def _options(name):
    """Leave a large model's dense head to the smaller ones, which share its code."""
    return {"classes": 0} if card(name).params > LARGE else {"classes": 7}


def _images(name, batch=2):
    shape = card(name).input_shape
    return np.random.default_rng(0).uniform(0, 255, (batch, *shape)).astype("float32")


@pytest.mark.once
@pytest.mark.parametrize("name", STATED)
def test_card_states_the_true_size(name):
    about = card(name)
    model = build(name)
    assert inspect.count_params(model) == about.params
    assert inspect.count_macs(model) == about.macs


@pytest.mark.parametrize("name", list_models())
def test_card_cites_a_paper_and_sources_every_claim(name):
    about = card(name)
    assert about.paper.url.startswith("https://")
    assert about.paper.year >= 1989
    assert all(claim.source.startswith("https://") for claim in about.claims)


@each_model
def test_is_a_plain_model_that_learns_with_other_classes(name):
    model = _model(name)
    # A subclass of ours would ask for our code to load.
    assert type(model).__module__.startswith("keras.")
    assert not any(isinstance(layer, keras.layers.Lambda) for layer in model.layers)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = _images(name)
    history = model.fit(x, np.array([1, 2]), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    probabilities = model.predict(x, verbose=0)
    assert probabilities.shape == (2, 7)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-4)


@each_model
def test_batch_norm_has_the_papers_constants(name):
    layers = inspect.sublayers(_model(name), keras.layers.BatchNormalization)
    assert all((bn.momentum, bn.epsilon) == (0.9, 1e-5) for bn in layers)


@each_model
def test_begins_with_normalisation_unless_told_not_to(name):
    first = _model(name).layers[1]
    assert (first.name, type(first).__name__) == ("normalization", "ColorNormalization")
    without = build(name, preprocessing=False, classes=0)
    assert "normalization" not in [layer.name for layer in without.layers]


@each_model
def test_uint8_images_are_the_same_images(name):
    x = _images(name).astype("uint8")
    np.testing.assert_allclose(
        ops.convert_to_numpy(_model(name)(x)),
        ops.convert_to_numpy(_model(name)(x.astype("float32"))),
        rtol=1e-5,
        atol=1e-6,
    )


@each_model
def test_features_are_the_stages_of_the_card(name):
    about = card(name)
    maps = build(name, features=True).output
    spatial = {stage: x for stage, x in maps.items() if len(x.shape) == 4}
    assert [stage.name for stage in about.stages] == list(spatial)
    for stage in about.stages:
        assert spatial[stage.name].shape[-1] == stage.channels
    top = list(maps.values())[-1]
    pooled = build(name, classes=0, pooling="avg").output.shape
    assert pooled == (None, top.shape[-1])


@each_model
def test_head_answers_in_full_precision_under_a_mixed_policy(name, policy):
    policy("mixed_bfloat16")
    model = build(name, **_options(name))
    y = model(_images(name))
    assert np.isfinite(ops.convert_to_numpy(ops.cast(y, "float32"))).all()
    if model.layers[-1].name == "head":
        assert keras.backend.standardize_dtype(y.dtype) == "float32"


@each_model
def test_channels_first_gives_the_same_answer(name, request):
    x = _images(name)
    options = _options(name) | {"classifier_activation": None, "pooling": "avg"}
    last = build(name, **options)
    expected = ops.convert_to_numpy(last(x))
    request.getfixturevalue("channels_first")
    first = build(name, **options)
    first.set_weights(last.get_weights())
    got = ops.convert_to_numpy(first(np.moveaxis(x, -1, 1)))
    spread = expected.max() - expected.min()
    assert np.abs(got - expected).max() <= 1e-4 * spread


def _saved():
    for name in SMALLEST:
        model = build(name, **_options(name), classifier_activation=None)
        yield name, model, _images(name, batch=1)


def test_saved_models_load_in_a_fresh_process(revived):
    for name, before, after in revived(_saved()):
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5, err_msg=name)
