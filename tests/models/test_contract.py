"""One contract for every model. A new family is covered the day its file lands."""

import functools

import keras
import numpy as np
import pytest
from small_models import (
    SMALLEST,
    SPREAD,
    small_images,
    small_options,
    small_shape,
)

from keras_cnnzoo import build, card, inspect, list_models, origin, weights
from keras_cnnzoo.models import keras_applications
from keras_cnnzoo.registry import family_of
from keras_cnnzoo.weights.export import renamed


def _marks(name):
    """Run on every backend, on one, or in a long run only."""
    if name in SPREAD:
        return ()
    return pytest.mark.once if name in SMALLEST else pytest.mark.slow


#: Every name is covered, one of each family in every run, and those that together have
#: every kind of layer on every backend.
EACH = [pytest.param(name, marks=_marks(name)) for name in list_models()]
#: One model after the other, each through all tests, so that few are held at once.
each_model = pytest.mark.parametrize("name", EACH, scope="module")
#: Networks of Keras Applications that Keras does not build channels first.
KERAS_REFUSES = ("keras_convnext", "keras_densenet", "keras_nasnet")


@functools.lru_cache(maxsize=1)
def _model(name):
    """Build once for all tests that do not change what a model is."""
    return build(name, classes=7, **small_options(name))


@functools.cache
def _run_everywhere():
    return {kind for name in SPREAD for kind in _our_layers(_model(name))}


def _our_layers(model):
    kinds = {type(layer) for layer in inspect.sublayers(model)}
    return {k.__name__ for k in kinds if k.__module__.startswith("keras_cnnzoo.")}


@pytest.mark.once
@each_model
def test_each_of_our_layers_runs_on_every_backend(name):
    assert _our_layers(_model(name)) <= _run_everywhere()


@each_model
def test_card_states_the_true_size(name):
    about = card(name)
    model = build(name)
    assert inspect.count_params(model) == about.params
    assert inspect.count_macs(model) == about.macs


@pytest.mark.once
@pytest.mark.parametrize("name", list_models())
def test_card_cites_a_paper_and_sources_every_claim(name):
    about = card(name)
    assert about.paper.url.startswith("https://")
    assert about.paper.year >= 1989
    assert all(claim.source.startswith("https://") for claim in about.claims)


@pytest.mark.once
@each_model
def test_is_a_plain_model_of_registered_layers(name):
    model = _model(name)
    # A subclass of ours would ask for our code to load.
    assert type(model).__module__.startswith("keras.")
    assert not inspect.sublayers(model, keras.layers.Lambda)


@pytest.mark.once
@each_model
def test_batch_norm_has_its_sources_constants(name):
    config = family_of(name).variants[name].config
    momentum = getattr(config, "bn_momentum", 0.9)
    epsilon = getattr(config, "bn_epsilon", 1e-5)
    allowed = {(momentum, epsilon)}
    if card(name).source == "keras.applications":  # their source is Keras itself
        allowed = _constants(keras_applications.application(config))
    assert _constants(_model(name)) <= allowed


def _constants(model):
    layers = inspect.sublayers(model, keras.layers.BatchNormalization)
    return {(bn.momentum, bn.epsilon) for bn in layers}


@pytest.mark.once
@each_model
def test_begins_with_normalisation_unless_told_not_to(name):
    first = _model(name).layers[1]
    assert (first.name, type(first).__name__) == ("normalization", "ColorNormalization")
    without = build(name, preprocessing=False, classes=0, **small_options(name))
    assert "normalization" not in [layer.name for layer in without.layers]


@each_model
def test_answers_are_probabilities_whatever_the_images_type(name):
    x = small_images(name).astype("uint8")
    whole = _model(name).predict(x, verbose=0)
    assert whole.shape == (2, 7)
    if card(name).task == "classification":
        np.testing.assert_allclose(whole.sum(1), 1, rtol=1e-4)
    same = _model(name).predict(x.astype("float32"), verbose=0)
    np.testing.assert_allclose(same, whole, rtol=1e-4, atol=1e-6)


@pytest.mark.once
@each_model
def test_features_are_the_stages_of_the_card(name):
    about = card(name)
    model = build(name, features=True)
    names = origin(model).features
    maps = dict(zip(names, keras.tree.flatten(model.output), strict=True))
    spatial = {stage: x for stage, x in maps.items() if len(x.shape) == 4}
    assert [stage.name for stage in about.stages] == list(spatial)
    strides = [stage.stride for stage in about.stages]
    assert sorted(strides) == strides
    for stage in about.stages:
        _, height, _, depth = spatial[stage.name].shape
        assert depth == stage.channels
        # Without padding a map loses some positions at the borders.
        assert height <= -(-about.input_shape[0] // stage.stride)


@pytest.mark.once
@each_model
def test_features_come_in_one_order_wherever_they_are_asked_for(name):
    model = build(name, features=True, **small_options(name))
    x = small_images(name)
    symbolic = keras.tree.flatten(model.output)
    answers = model(x), model.predict_on_batch(x)
    assert isinstance(model.output, list) == (len(symbolic) > 1)
    for answer in answers:
        assert isinstance(answer, list) == (len(symbolic) > 1)
        got = [tuple(y.shape[1:]) for y in keras.tree.flatten(answer)]
        assert got == [tuple(y.shape[1:]) for y in symbolic]
    pooled = build(name, classes=0, pooling="avg", **small_options(name)).output.shape
    assert pooled == (None, symbolic[-1].shape[-1])


@each_model
def test_size_of_images_may_be_open(name):
    x = small_images(name)
    fixed = _model(name)
    options = small_options(name) | {"input_shape": (None, None, x.shape[-1])}
    refusal = ""
    try:
        model = build(name, classes=7, **options)
    except ValueError as error:
        refusal = str(error)
    if refusal:  # fair where a dense layer looks at the whole map
        assert inspect.sublayers(fixed, keras.layers.Flatten)
        assert "has to know the size" in refusal
        return
    model.set_weights(fixed.get_weights())
    got, expected = model.predict(x, verbose=0), fixed.predict(x, verbose=0)
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)


@each_model
def test_head_answers_in_full_precision_under_a_mixed_policy(name, policy):
    policy("mixed_bfloat16")
    model = build(name, classes=7, **small_options(name))
    y = model.predict(small_images(name), verbose=0)
    assert np.isfinite(y.astype("float32")).all()
    if model.layers[-1].name == "head":
        assert keras.backend.standardize_dtype(y.dtype) == "float32"


@each_model
def test_channels_first_gives_the_same_answer(name, request):
    x = small_images(name)
    options = {"classes": 7, "classifier_activation": None}
    last = build(name, **options, **small_options(name))
    expected = last.predict(x, verbose=0)
    height, width, depth = small_shape(name)
    small = small_options(name) | {"input_shape": (depth, height, width)}
    request.getfixturevalue("channels_first")
    if name.startswith(KERAS_REFUSES):
        with pytest.raises(ValueError, match="does not support the `channels_first`"):
            build(name, **options, **small)
        return
    first = build(name, **options, **small)
    first.set_weights(last.get_weights())
    got = first.predict(np.moveaxis(x, -1, 1), verbose=0)
    spread = expected.max() - expected.min()
    assert np.abs(got - expected).max() <= 1e-4 * spread


@pytest.mark.once
@each_model
def test_weights_go_to_others_names_and_back(name):
    maps = {
        key: name_map
        for key, name_map in family_of(name).name_maps.items()
        if name_map.layout == "torch" and not name_map.folded
    }
    source = _model(name)
    for names in maps:
        twin = build(name, classes=7, **small_options(name))
        report = weights.load(twin, renamed(source, names))
        assert report.complete, names
        for ours, theirs in zip(twin.weights, source.weights, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


@each_model
def test_learns(name):
    model = build(name, classes=7, **small_options(name))
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(small_images(name), np.array([1, 2]), verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.once
@each_model
def test_every_trainable_weight_gets_a_gradient(name):
    model = build(name, classes=7, classifier_activation=None, **small_options(name))
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:  # what begins at zero may hide the rest
        noise = rng.normal(scale=0.01, size=tuple(weight.shape)).astype("float32")
        weight.assign(keras.ops.convert_to_numpy(weight) + noise)
    start = model.get_weights()
    # A rate so large that no gradient is lost in rounding.
    model.compile(keras.optimizers.SGD(1e4), "mse", run_eagerly=True, jit_compile=False)
    left = {weight.path: weight for weight in model.trainable_weights}
    for _ in range(3):  # a dropped path, or a unit that is off, is another one then
        model.set_weights(start)
        before = {
            path: keras.ops.convert_to_numpy(w).copy() for path, w in left.items()
        }
        images = rng.uniform(0, 255, (4, *small_shape(name))).astype("float32")
        model.train_on_batch(images, np.eye(7)[[1, 2, 3, 4]])
        left = {
            path: weight
            for path, weight in left.items()
            if np.array_equal(keras.ops.convert_to_numpy(weight), before[path])
        }
        if not left:
            break
    assert not left
