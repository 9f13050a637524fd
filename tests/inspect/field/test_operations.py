"""The rules of receptive fields name what the installed Keras has, and all of it."""

import importlib
import inspect
import pkgutil
import warnings

import keras
import pytest
from keras import layers, ops

from keras_cnnzoo.inspect import ReceptiveField, receptive_field
from keras_cnnzoo.inspect.field.operations import RULES
from keras_cnnzoo.inspect.trace.dataflow import WHOLE

pytestmark = pytest.mark.once


def _operations():
    """Return the names of all operation classes under `keras.ops`, found by looking."""
    home = importlib.import_module("keras.src.ops")
    found = set()
    for module in pkgutil.walk_packages(home.__path__, "keras.src.ops."):
        if "test" in module.name:
            continue
        held = vars(importlib.import_module(module.name)).values()
        found |= {
            thing.__name__
            for thing in held
            if inspect.isclass(thing)
            and issubclass(thing, keras.Operation)
            and thing is not keras.Operation
        }
    return found


def test_every_operation_of_keras_has_a_rule_and_every_rule_an_operation():
    there = _operations()
    assert len(there) > 300
    assert there - set(RULES) == set()
    of_layers = {kind.__name__ for kind in WHOLE} | {"ReLU"}
    activations = importlib.import_module("keras.src.activations.activations")
    assert hasattr(activations, "ReLU")
    assert set(RULES) - there <= of_layers


class Twice(keras.Operation):
    """Somebody's operation, made of those of Keras."""

    def call(self, x):
        return ops.max_pool(x, 2, 1) * 2

    def compute_output_spec(self, x):
        batch, height, width, channels = x.shape
        shape = (batch, height - 1, width - 1, channels)
        return keras.KerasTensor(shape, x.dtype)


class Opaque(Twice):
    """One that does not say what it is made of."""

    def call(self, x):
        raise TypeError("no tensor without values")


def test_an_operation_made_of_others_is_followed():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layers.Identity(name="end")(Twice()(inputs)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        field = receptive_field(model)["end"]
    assert field == ReceptiveField((2, 2), (1, 1), (0, 0))


def test_an_operation_that_is_not_known_sees_everything_and_that_is_said_once():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layers.Identity(name="end")(Opaque()(inputs)))
    with pytest.warns(UserWarning, match="Opaque .* is not known to `receptive_field`"):
        field = receptive_field(model)["end"]
    assert field == ReceptiveField((8, 8), (0, 0), (0, 0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        receptive_field(model)


def test_a_rule_that_has_lost_its_name_is_never_silent(monkeypatch):
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(2, 5)(inputs)
    model = keras.Model(inputs, layers.MaxPooling2D(2, name="pool")(x))
    monkeypatch.delitem(RULES, "MaxPool")
    with pytest.warns(UserWarning, match="The operation MaxPool"):
        assert receptive_field(model)["pool"].size == (32, 32)


PRESERVING = {
    "abs": ops.abs,
    "tile of channels": lambda x: ops.tile(x, (1, 1, 1, 2)),
    "softmax over channels": ops.softmax,
    "grey": ops.image.rgb_to_grayscale,
    "products of channels": lambda x: ops.einsum("bhwc,cd->bhwd", x, ops.ones((3, 2))),
    "one channel": lambda x: ops.take(x, [1], axis=-1),
    "shares": lambda x: ops.matmul(ops.eye(9), x),
    "parts of channels": lambda x: ops.split(x, 3, -1)[1],
    "stack": lambda x: ops.stack([x, x], -1)[..., 0],
    "there and back": lambda x: ops.reshape(ops.reshape(x, (-1, 81, 3)), (-1, 9, 9, 3)),
    "differences of channels": lambda x: ops.diff(x),
    "parts of rows": lambda x: ops.concatenate(ops.split(x, 3, 1), 1),
}


@pytest.mark.parametrize("name", PRESERVING)
def test_what_mixes_no_pixels_changes_no_field(name):
    inputs = keras.Input((9, 9, 3))
    model = keras.Model(inputs, layers.Identity(name="end")(PRESERVING[name](inputs)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        field = receptive_field(model)["end"]
    assert field.region((4, 7)) == (slice(4, 5), slice(7, 8))
