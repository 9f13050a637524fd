"""A softmax hides the answer, wherever in the head it stands; attribution sees it."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from methods import draw

from keras_cnnzoo import inspect
from keras_cnnzoo.inspect.attribution.logits import logits


def _headed(head, seed=3):
    """Return a small model whose answer goes through `head`, a function of logits."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((8, 8, 3))
    gate = layers.Activation("sigmoid")  # the same layer that may end the model
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(inputs)
    x = layers.Multiply()([x, gate(layers.Conv2D(4, 1)(x))])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, head(x, gate))


def _dense(**kwargs):
    return layers.Dense(3, name="head", kernel_initializer="random_normal", **kwargs)


class OwnSoftmax(keras.layers.Layer):
    """Ends in a softmax that is no layer."""

    def call(self, x):
        return ops.softmax(x)


HEADS = {
    "fused": lambda x, gate: _dense(activation="softmax")(x),
    "activation": lambda x, gate: layers.Activation("softmax")(_dense()(x)),
    "layer": lambda x, gate: layers.Softmax()(_dense()(x)),
    "layer as activation": lambda x, gate: _dense(activation=layers.Softmax())(x),
    "sigmoid": lambda x, gate: _dense(activation="sigmoid")(x),
    "shared with a gate": lambda x, gate: gate(_dense()(x)),
    "before a dropout": lambda x, gate: layers.Dropout(0.5)(
        layers.Softmax()(_dense()(x))
    ),
    "nested": lambda x, gate: keras.Sequential([_dense(activation="softmax")])(x),
}


@pytest.mark.parametrize("head", HEADS)
def test_logits_are_answered_and_gates_keep_their_sigmoid(head, rng):
    images = rng.uniform(size=(2, 8, 8, 3)).astype("float32")
    plain = _headed(lambda x, gate: _dense()(x))
    model = _headed(HEADS[head])
    model.set_weights(plain.get_weights())
    expected = ops.convert_to_numpy(plain(images))
    before = ops.convert_to_numpy(model(images))
    with logits(model):
        found = ops.convert_to_numpy(model(images))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(before - expected).max() > 0.1
    np.testing.assert_array_equal(ops.convert_to_numpy(model(images)), before)


@pytest.mark.parametrize("head", ["fused", "shared with a gate"])
def test_a_softmax_changes_no_map(head, rng):
    images = rng.uniform(size=(2, 8, 8, 3))
    plain, model = _headed(lambda x, gate: _dense()(x)), _headed(HEADS[head])
    for method in ("grad_cam", "saliency", "occlusion"):
        expected, found = (draw(method, m, images, 1) for m in (plain, model))
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_softmax_that_is_no_layer_is_undone_but_for_a_constant(rng):
    images = rng.uniform(size=(2, 8, 8, 3))
    # With weights that add up to nothing over the classes, logits have a mean of 0.
    plain = _headed(lambda x, gate: _dense()(x))
    head = plain.get_layer("head")
    kernel = rng.normal(size=(4, 3))
    head.set_weights([kernel - kernel.mean(1, keepdims=True), np.zeros(3)])
    model = _headed(lambda x, gate: OwnSoftmax()(_dense()(x)))
    model.set_weights(plain.get_weights())
    expected, found = (
        inspect.grad_cam(m, images, 1, normalize=False) for m in (plain, model)
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)
