"""What is exchanged in Keras is put back, and nothing of others with it."""

import keras
import numpy as np
import pytest

from keras_cnnzoo.inspect import observe, receptive_field
from keras_cnnzoo.internals.become import become
from keras_cnnzoo.layers import InstrumentedConv2D

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def _as_it_was():
    call, symbolic = keras.layers.Layer.__call__, keras.Operation.symbolic_call
    yield
    keras.layers.Layer.__call__, keras.Operation.symbolic_call = call, symbolic


@pytest.fixture
def model():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="dense")])


def _theirs(seen):
    """Return somebody else's exchange of the same method."""
    plain = keras.layers.Layer.__call__

    def call(layer, *args, **kwargs):
        seen.append(layer.name)
        return plain(layer, *args, **kwargs)

    return call


def _run(model):
    model(np.ones((1, 4), "float32"))


def test_what_another_puts_over_ours_stays(model):
    ours, theirs = [], []
    with observe(lambda layer, inputs, output: ours.append(layer.name)):
        keras.layers.Layer.__call__ = call = _theirs(theirs)
        _run(model)
    assert keras.layers.Layer.__call__ is call
    assert "dense" in ours
    assert "dense" in theirs
    ours.clear()
    _run(model)
    assert ours == []
    # And ours works over theirs, once each.
    with observe(lambda layer, inputs, output: ours.append(layer.name)):
        _run(model)
    assert ours.count("dense") == 1
    assert keras.layers.Layer.__call__ is call


def test_what_another_had_before_is_put_back(model):
    plain = keras.layers.Layer.__call__
    keras.layers.Layer.__call__ = call = _theirs([])
    with observe(lambda layer, inputs, output: None):
        _run(model)
    assert keras.layers.Layer.__call__ is call
    keras.layers.Layer.__call__ = plain
    with observe(lambda layer, inputs, output: None):
        keras.layers.Layer.__call__ = call  # They take ours away.
    assert keras.layers.Layer.__call__ is call


def test_an_old_one_of_ours_does_nothing_and_goes(model):
    plain = keras.layers.Layer.__call__
    seen = []
    with observe(lambda layer, inputs, output: seen.append(layer.name)):
        old = keras.layers.Layer.__call__
        keras.layers.Layer.__call__ = _theirs([])
    keras.layers.Layer.__call__ = old  # They put back what they had found.
    _run(model)
    assert seen == []
    with observe(lambda layer, inputs, output: seen.append(layer.name)):
        _run(model)
    assert seen.count("dense") == 1
    assert keras.layers.Layer.__call__ is plain


def test_a_model_that_fails_while_it_is_followed_leaves_keras_as_it_was():
    class Failing(keras.layers.Layer):
        broken = False

        def call(self, x):
            if self.broken:
                raise RuntimeError("no")
            return x

    call, symbolic = keras.layers.Layer.__call__, keras.Operation.symbolic_call
    layer = Failing(name="failing")
    model = keras.Sequential([keras.Input((8, 8, 3)), layer])
    layer.broken = True
    with pytest.raises(ValueError, match="cannot be followed"):
        receptive_field(model)
    assert keras.layers.Layer.__call__ is call
    assert keras.Operation.symbolic_call is symbolic


def test_a_layer_becomes_another_where_it_stands():
    layer, other = keras.layers.Conv2D(2, 3), InstrumentedConv2D(2, 3, record="stats")
    model = keras.Sequential([keras.Input((8, 8, 1)), layer])
    other.build((None, 8, 8, 1))
    kernel = other.kernel
    become(layer, other)
    assert model.layers[0] is layer
    assert type(layer) is InstrumentedConv2D
    assert model.weights[0] is kernel
    assert len(model.weights) == 7
