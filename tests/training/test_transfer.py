"""What is frozen stands still, on every backend, and what is not learns."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo.layers import ResidualBlock
from keras_cnnzoo.training import freeze, unfreeze


def _base():
    """A convolution, a batch norm and a block with batch norms inside."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(inputs)
    x = layers.BatchNormalization(momentum=0.5, name="bn")(x)
    x = ResidualBlock(4, name="block")(x)
    return keras.Model(inputs, x, name="base")


def _with_head(base, inputs, x):
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(2, name="head")(x)
    return keras.Model(inputs, layers.Softmax(name="softmax")(x))


def _flat():
    base = _base()
    return _with_head(base, base.input, base.output)


def _nested(**call):
    base = _base()
    inputs = keras.Input((8, 8, 3))
    return _with_head(base, inputs, base(inputs, **call))


def _sequential():
    tail = [layers.GlobalAveragePooling2D(), layers.Dense(2, name="head")]
    return keras.Sequential([_base(), *tail, layers.Softmax()])


MODELS = {
    "flat": _flat,
    "nested": _nested,
    # The guides' recipe; the statistics of an unfrozen base move nevertheless.
    "nested in inference": lambda: _nested(training=False),
    "sequential": _sequential,
}
each_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


def _fit(model):
    """Fit one epoch; return the names of the weights that moved."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 2, (32, 8, 8, 3)), rng.integers(0, 2, 32)
    before = [keras.ops.convert_to_numpy(w).copy() for w in model.weights]
    model.fit(x, y, batch_size=8, verbose=0)
    return {
        w.path.removeprefix(f"{model.name}/").removeprefix("base/")
        for w, was in zip(model.weights, before, strict=True)
        if not np.array_equal(keras.ops.convert_to_numpy(w), was)
        and "seed_generator" not in w.path
    }


def _compile(model):
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.8), "sparse_categorical_crossentropy"
    )
    return model


@each_model
def test_only_the_head_moves(make):
    model = _compile(freeze(make()))
    assert _fit(model) == {"head/kernel", "head/bias"}


@each_model
def test_freezing_after_compile_keeps_the_settings(make):
    model = _compile(make())
    _fit(model)
    assert freeze(model) is model
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)
    assert model.optimizer.momentum == 0.8
    assert _fit(model) == {"head/kernel", "head/bias"}


@each_model
def test_everything_moves_again(make):
    model = unfreeze(freeze(_compile(make())))
    moved = _fit(model)
    assert {"conv/kernel", "head/bias", "bn/moving_mean"} <= moved
    assert any("block" in path and "moving_variance" in path for path in moved)


@each_model
def test_layers_from_upto_on_are_left(make):
    # In nested models the layer is one of the inner ones.
    model = _compile(freeze(make(), "block"))
    moved = _fit(model)
    assert "head/kernel" in moved
    assert any("block" in path and "moving_mean" in path for path in moved)
    assert not any(path.startswith(("conv/", "bn/")) for path in moved)


def test_layers_of_a_wrapped_model_are_found():
    frames = keras.Input((2, 8, 8, 3))
    x = layers.TimeDistributed(_base(), name="each")(frames)
    x = layers.TimeDistributed(layers.Dense(2), name="head")(x)
    model = freeze(keras.Model(frames, x), "block")
    trained = {weight.path for weight in model.trainable_weights}
    assert any("block/conv1/kernel" in path for path in trained)
    assert not any("/conv/" in path or "/bn/" in path for path in trained)
    unfreeze(model)
    freeze(model)
    assert {layer.name for layer in model.layers if layer.trainable_weights} == {"head"}


def test_an_unknown_layer_is_answered_with_near_names():
    with pytest.raises(ValueError, match=r"no layer 'blok'.*'block'"):
        freeze(_nested(), "blok")


def test_a_model_without_weights_has_no_head():
    with pytest.raises(ValueError, match="no weights"):
        freeze(keras.Sequential([keras.Input((2,)), layers.ReLU()]))


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_a_loss_that_cannot_be_made_again_changes_nothing():
    model = _flat()
    model.compile("sgd", lambda y, p: keras.ops.mean(p))
    with pytest.raises(ValueError, match="Freeze before `compile`"):
        freeze(model)
    assert all(layer.trainable for layer in model.layers)
