"""A softmax hides the answer, wherever in the head it stands; attribution sees it."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from methods import draw, logits

from keras_cnnzoo import inspect


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


class Own(keras.layers.Layer):
    """Ends in an operation of its own `call`."""

    def __init__(self, end):
        super().__init__()
        self.end = end

    def call(self, x):
        return self.end(x)


def _formula(x):
    """Compute a softmax by its formula, so that nobody can see what it is."""
    e = ops.exp(x - ops.max(x, -1, keepdims=True))
    return e / ops.sum(e, -1, keepdims=True)


def _of_backend(x):
    """Call the backend's own function."""
    if keras.backend.backend() == "torch":
        import torch

        return torch.softmax(x, -1)
    if keras.backend.backend() == "jax":
        import jax

        return jax.nn.softmax(x)
    import tensorflow as tf

    return tf.nn.softmax(x)


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
    "operation": lambda x, gate: ops.softmax(_dense()(x)),
    "operation sigmoid": lambda x, gate: ops.sigmoid(_dense()(x)),
    "function": lambda x, gate: keras.activations.softmax(_dense()(x)),
    "lambda layer": lambda x, gate: layers.Lambda(ops.softmax)(_dense()(x)),
    "lambda activation": lambda x, gate: _dense(activation=lambda y: ops.softmax(y))(x),
    "own call": lambda x, gate: Own(ops.softmax)(_dense()(x)),
    "own call sigmoid": lambda x, gate: Own(keras.activations.sigmoid)(_dense()(x)),
    "of the backend": lambda x, gate: Own(_of_backend)(_dense()(x)),
    "log softmax": lambda x, gate: ops.log_softmax(_dense()(x)),
    "log sigmoid": lambda x, gate: ops.log_sigmoid(_dense()(x)),
    "hard sigmoid": lambda x, gate: _dense(activation="hard_sigmoid")(x),
    "reshaped": lambda x, gate: layers.Reshape((3,))(
        layers.Softmax()(layers.Reshape((1, 3))(_dense()(x)))
    ),
    "cast": lambda x, gate: ops.cast(ops.softmax(_dense()(x)), "float32"),
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
    found = logits(model, images)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(before - expected).max() > 0.1
    np.testing.assert_array_equal(ops.convert_to_numpy(model(images)), before)


@pytest.mark.parametrize("head", ["fused", "shared with a gate", "operation sigmoid"])
def test_a_softmax_changes_no_map(head, rng):
    images = rng.uniform(size=(2, 8, 8, 3))
    plain, model = _headed(lambda x, gate: _dense()(x)), _headed(HEADS[head])
    for method in ("grad_cam", "saliency", "occlusion"):
        expected, found = (draw(method, m, images, 1) for m in (plain, model))
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_softmax_by_its_formula_is_undone_but_for_a_constant_and_that_is_said(rng):
    images = rng.uniform(size=(2, 8, 8, 3))
    # With weights that add up to nothing over the classes, logits have a mean of 0.
    plain = _headed(lambda x, gate: _dense()(x))
    head = plain.get_layer("head")
    kernel = rng.normal(size=(4, 3))
    head.set_weights([kernel - kernel.mean(1, keepdims=True), np.zeros(3)])
    model = _headed(lambda x, gate: Own(_formula)(_dense()(x)))
    model.set_weights(plain.get_weights())
    expected = inspect.grad_cam(plain, images, 1, normalize=False)
    with pytest.warns(UserWarning, match="logarithm minus its mean"):
        found = inspect.grad_cam(model, images, 1, normalize=False)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    "end", [ops.sigmoid, _formula, lambda x: ops.clip(ops.relu(x), 0.0, 1.0)]
)
def test_a_saturated_answer_is_called_so(end, rng):
    images = rng.uniform(size=(2, 8, 8, 3))
    plain = _headed(lambda x, gate: _dense()(x))
    model = _headed(lambda x, gate: Own(end)(_dense()(x)))
    *others, _, _ = plain.get_weights()
    kernel, bias = np.ones((4, 3)) * 1e-3, np.array([900.0, -900.0, -900.0])
    for one in (plain, model):
        one.set_weights([*others, kernel, bias])
    if end is ops.sigmoid:
        expected, found = (inspect.grad_cam(m, images, 0) for m in (plain, model))
        np.testing.assert_allclose(found, expected, atol=1e-4)
    else:
        with pytest.raises(ValueError, match="is saturated"):
            inspect.grad_cam(model, images, 0)
