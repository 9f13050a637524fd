"""A model before its head and the head make the model, whatever its graph."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from small_models import SMALLEST, small_images, small_options

from keras_cnnzoo import build, list_models
from keras_cnnzoo.inspect import sublayers
from keras_cnnzoo.layers import ResidualBlock
from keras_cnnzoo.training.order import weighted_paths
from keras_cnnzoo.training.splitting import split_head


def _body():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    return inputs, ResidualBlock(4, name="block")(x)


def _flat():
    """Dropout, a reshape and a nested dropout before the head, two layers after it."""
    inputs, x = _body()
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    x = layers.Reshape((2, 2), name="reshape")(x)
    x = keras.Sequential([layers.GaussianNoise(1.0), layers.Flatten()], name="noise")(x)
    x = ops.tanh(layers.Dense(3, name="head")(x))
    return keras.Model(inputs, layers.Softmax(name="softmax")(x))


def _base(inside):
    inputs, x = _body()
    if inside:
        x = layers.Dropout(0.5)(layers.Flatten()(x))
        x = layers.Dense(3, name="head")(x)
    return keras.Model(inputs, x, name="base")


def _nested():
    """A nested body, and a nested head that begins with dropout."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Flatten()(_base(inside=False)(inputs))
    head = [layers.Dropout(0.5), layers.Dense(3, name="head"), layers.Softmax()]
    return keras.Model(inputs, keras.Sequential(head, name="top")(x))


def _head_inside():
    """A head in a nested model, with other layers around that model."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Rescaling(2.0)(inputs)
    return keras.Model(inputs, layers.Softmax()(_base(inside=True)(x)))


def _sequential():
    return keras.Sequential([layers.Rescaling(0.5), _base(inside=True)])


def _beside():
    """A gate from the body after the head, and a second output."""
    inputs, x = _body()
    mean = layers.GlobalAveragePooling2D(name="mean")(x)
    peak = layers.GlobalMaxPooling2D(name="peak")(x)
    y = layers.Dense(4, name="head")(layers.Dropout(0.5)(mean)) * peak
    return keras.Model(inputs, [y, layers.Softmax()(y)])


def _beside_inside():
    """The same around a nested model."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Rescaling(2.0)(inputs)
    y = _base(inside=True)(x)
    return keras.Model(inputs, layers.Add()([y, layers.GlobalMaxPooling2D()(x)]))


def _auxiliary():
    """Another head on an inner map, whose output passes by the head."""
    inputs, x = _body()
    mean = layers.GlobalAveragePooling2D()(x)
    other = layers.Dense(2, name="aux")(layers.Flatten()(x))
    return keras.Model(inputs, {"aux": other, "z": layers.Dense(3, name="head")(mean)})


def _named():
    inputs = {name: keras.Input((4,), name=name) for name in "ab"}
    x = layers.Dense(5)(layers.Concatenate()(list(inputs.values())))
    return keras.Model(inputs, {"c": layers.Dense(2, name="head")(x)})


MODELS = (
    _flat,
    _nested,
    _head_inside,
    _sequential,
    _beside,
    _beside_inside,
    _auxiliary,
    _named,
)


def _images(model, rng):
    def drawn(tensor):
        return rng.normal(size=(5, *tensor.shape[1:])).astype("float32")

    inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    return keras.tree.map_structure(drawn, inputs)


@pytest.mark.parametrize("make", MODELS)
def test_the_parts_make_the_model(make, rng):
    model = make()
    if not model.built:
        model.build((None, 8, 8, 3))
    images = _images(model, rng)
    names = [w.path for w in model.weights]
    parts = split_head(model)
    head = weighted_paths(model)[-1][-1]
    assert {id(w) for w in parts.head.weights} == {id(w) for w in head.weights}
    held = [id(w) for w in parts.features.weights]
    assert set(held) == {id(w) for w in model.weights} - {id(w) for w in head.weights}
    got = parts.head.predict(parts.features.predict(images, verbose=0), verbose=0)
    expected = model.predict(images, verbose=0)
    for a, b in zip(keras.tree.flatten(got), keras.tree.flatten(expected), strict=True):
        np.testing.assert_array_equal(a, b)
    keras.tree.assert_same_structure(got, expected)
    assert [w.path for w in model.weights] == names


@pytest.mark.once
@pytest.mark.parametrize(
    ("make", "before"),
    [(_flat, "pool"), (_beside, None), (_nested, "flatten"), (_head_inside, None)],
)
def test_what_acts_in_training_belongs_to_the_head(make, before):
    model = make()
    features, head = split_head(model)
    inside = [type(layer).__name__ for layer in sublayers(head)]
    assert "Dropout" in inside
    random = (layers.Dropout, layers.GaussianNoise)
    left = [x for x in sublayers(features) if isinstance(x, random)]
    assert not left
    if before:
        assert features.layers[-1].name.startswith(before)


@pytest.mark.once
def test_dropout_that_feeds_other_weights_stays_in_the_body():
    inputs, x = _body()
    x = layers.Dropout(0.5, name="dropout")(layers.Flatten()(x))
    x = layers.Concatenate()([x, layers.Dense(3, name="side")(x)])
    model = keras.Model(inputs, layers.Dense(2, name="head")(x))
    features, head = split_head(model)
    assert features.get_layer("dropout") is model.get_layer("dropout")
    assert [w.path for w in head.weights] == ["head/kernel", "head/bias"]


EACH = [
    pytest.param(name, marks=() if name in SMALLEST else pytest.mark.slow)
    for name in list_models()
]


@pytest.mark.once
@pytest.mark.parametrize("name", EACH)
def test_every_model_of_the_zoo_can_be_split(name):
    model = build(name, classes=7, **small_options(name))
    features, head = split_head(model)
    last = weighted_paths(model)[-1][-1]
    assert [w.path for w in head.weights] == [w.path for w in last.weights]
    images = small_images(name)
    got = head.predict(features.predict(images, verbose=0), verbose=0)
    np.testing.assert_array_equal(got, model.predict(images, verbose=0))


@pytest.mark.once
def test_what_cannot_be_split_is_answered_with_the_way_that_can():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = layers.Dense(2, name="head")

        def call(self, x):
            return self.head(x)

    own = Own()
    own(np.ones((1, 4)))
    with pytest.raises(ValueError, match="subclassed model"):
        split_head(own)
    alone = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="head")])
    with pytest.raises(ValueError, match="nothing before its head 'head'"):
        split_head(alone)
    frames = keras.Input((2, 8, 8, 3))
    x = layers.TimeDistributed(layers.Conv2D(3, 1))(frames)
    wrapped = keras.Model(frames, layers.TimeDistributed(_base(inside=True))(x))
    with pytest.raises(ValueError, match=r"'head' .* cannot be separated from 'conv/"):
        split_head(wrapped)
    twin, other = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    base = _base(inside=True)
    siamese = keras.Model([twin, other], layers.Subtract()([base(twin), base(other)]))
    with pytest.raises(ValueError, match="calls 'base' 2 times"):
        split_head(siamese)
