"""One contract for every layer: a layer that is registered must have rows."""

import inspect

import keras
import numpy as np
import pytest
from keras import ops
from layer_rows import ROWS

import keras_cnnzoo
from keras_cnnzoo.layers.registry import layer_class
from keras_cnnzoo.structure.walk import sublayers

CASES = [
    pytest.param(name, kwargs, shape, id=f"{name}-{i}")
    for name, rows in ROWS.items()
    for i, (kwargs, shape) in enumerate(rows)
]
each_case = pytest.mark.parametrize(("name", "kwargs", "shape"), CASES)
#: What these give depends on nothing that could be trained.
DRAWS = ("DropPathColumn",)
each_trained_case = pytest.mark.parametrize(
    ("name", "kwargs", "shape"), [case for case in CASES if case.values[0] not in DRAWS]
)

HALVES = ["float16", "bfloat16"]
POLICIES = ["float32", *HALVES, "mixed_float16", "mixed_bfloat16"]


def _make(name, kwargs, **more):
    return layer_class(name)(**kwargs, **more)


def _each(function, x):
    """Apply a function to a layer's input, or to each of several."""
    return [function(one) for one in x] if isinstance(x, list) else function(x)


def _sample(shape, batch=2):
    rng = np.random.default_rng(0)
    return _each(lambda one: rng.normal(size=(batch, *one)).astype("float32"), shape)


def _numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def test_every_registered_layer_has_a_row():
    ours = [
        name
        for name in keras_cnnzoo.list_layers()
        if layer_class(name).__module__.startswith("keras_cnnzoo.")
    ]
    assert sorted(ROWS) == ours


@each_case
def test_config_round_trips(name, kwargs, shape):
    layer = _make(name, kwargs)
    twin = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    assert twin.get_config() == layer.get_config()
    # A dropped argument would come back as its default: both compute the same.
    x = _sample(shape)
    layer(x), twin(x)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(_numpy(layer(x)), _numpy(twin(x)))


@each_case
def test_every_argument_is_in_the_config(name, kwargs, shape):
    config = _make(name, kwargs).get_config()
    arguments = set(inspect.signature(layer_class(name).__init__).parameters)
    assert arguments - {"self", "kwargs", "args"} <= set(config)


@pytest.mark.once
@pytest.mark.parametrize("name", sorted(ROWS))
def test_an_unknown_data_format_is_refused(name):
    if "data_format" in inspect.signature(layer_class(name).__init__).parameters:
        with pytest.raises(ValueError, match=r"data_format.*channel_last"):
            _make(name, ROWS[name][0][0] | {"data_format": "channel_last"})


@each_case
def test_symbolic_shape_is_the_real_shape(name, kwargs, shape):
    layer = _make(name, kwargs)
    x = _sample(shape)
    real = tuple(layer(x).shape)
    assert tuple(layer.compute_output_shape(_each(np.shape, x))) == real
    symbolic = _make(name, kwargs)(_each(keras.Input, shape))
    assert tuple(symbolic.shape) == (None, *real[1:])


@each_case
def test_unknown_sizes_build_and_agree(name, kwargs, shape):
    layer = _make(name, kwargs)
    inputs = _each(lambda s: keras.Input((*(None for _ in s[:-1]), s[-1])), shape)
    model = keras.Model(inputs, layer(inputs))
    x = _sample(shape)
    symbolic, real = model.output.shape, model(x).shape
    assert len(symbolic) == len(real)
    assert all(s in (None, r) for s, r in zip(symbolic, real, strict=True))
    np.testing.assert_allclose(_numpy(model(x)), _numpy(layer(x)), rtol=1e-5)


@each_case
def test_channels_first_is_the_same_arithmetic(name, kwargs, shape, channels_first):
    # The configured format is channels first here; a layer that has no
    # `data_format` treats all axes alike.
    has = "data_format" in _make(name, kwargs).get_config()
    layer = _make(name, kwargs, **{"data_format": "channels_last"} if has else {})
    x = _sample(shape)
    last = _numpy(layer(x))
    first = _make(name, kwargs)
    x = _each(lambda one: np.moveaxis(one, -1, 1), x)
    y = first(x)
    assert tuple(first.compute_output_shape(_each(np.shape, x))) == tuple(y.shape)
    first.set_weights(layer.get_weights())
    got = _numpy(first(x))
    got = np.moveaxis(got, 1, -1) if got.ndim > 2 else got
    np.testing.assert_allclose(got, last, rtol=1e-4, atol=1e-5)


@each_case
@pytest.mark.parametrize("kind", ["uint8", "int32", "bool"])
def test_whole_numbers_are_taken_as_floats(name, kwargs, shape, kind):
    pixels = _each(lambda one: (np.abs(one) * 60).astype(kind), _sample(shape))
    for policy_name in ("float32", "mixed_bfloat16"):
        layer = _make(name, kwargs, dtype=policy_name)
        expected = layer(_each(lambda one: one.astype("float32"), pixels))
        got = layer(pixels)
        assert keras.backend.standardize_dtype(got.dtype) == layer.compute_dtype
        np.testing.assert_allclose(_numpy(got), _numpy(expected), rtol=1e-5)


@each_case
def test_all_inside_is_built_before_the_first_call(name, kwargs, shape):
    layer = _make(name, kwargs)
    layer(_each(keras.Input, shape))
    assert all(inner.built for inner in sublayers(layer))


@each_case
@pytest.mark.parametrize("policy_name", POLICIES)
def test_policies_compute_in_their_dtype(name, kwargs, shape, policy_name):
    wide = _make(name, kwargs)
    x = _sample(shape)
    expected = _numpy(wide(x))
    layer = _make(name, kwargs, dtype=policy_name)
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == layer.compute_dtype
    layer.set_weights(wide.get_weights())
    tolerance = 1e-5 if layer.compute_dtype == "float32" else 0.1
    np.testing.assert_allclose(
        _numpy(layer(x)), expected, rtol=tolerance, atol=tolerance
    )


@each_trained_case
def test_dead_input_trains_without_nan(name, kwargs, shape):
    inputs = _each(keras.Input, shape)
    x = _each(lambda one: keras.layers.Dense(one.shape[-1])(one), inputs)
    model = keras.Model(inputs, _make(name, kwargs)(x))
    # Eagerly: to compile each takes a hundred times as long as the step itself.
    model.compile("sgd", "mse", run_eagerly=True, jit_compile=False)
    x = _each(lambda one: np.zeros((2, *one), "float32"), shape)
    model.train_on_batch(x, np.ones(model(x).shape))
    assert all(np.isfinite(w).all() for w in model.get_weights())


@each_case
def test_eager_equals_compiled(name, kwargs, shape):
    inputs = _each(keras.Input, shape)
    model = keras.Model(inputs, _make(name, kwargs)(inputs))
    x = _sample(shape)
    np.testing.assert_allclose(
        model.predict(x, verbose=0), _numpy(model(x)), rtol=1e-4, atol=1e-5
    )


def _saved():
    for case in CASES:
        name, kwargs, shape = case.values
        one = shape[0] if isinstance(shape, list) else shape
        inputs = keras.Input(one)
        x = _each(lambda _, inputs=inputs: inputs, shape)
        model = keras.Model(inputs, _make(name, kwargs)(x))
        yield case.id, model, _sample(one)


def test_saved_layers_load_in_a_fresh_process(revived):
    for name, before, after in revived(_saved()):
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6, err_msg=name)
