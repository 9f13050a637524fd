"""Attributions change nothing of a model while they run, and keep what they compile."""

import gc
import threading
import weakref

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo import inspect
from keras_cnnzoo.inspect.hooks.kept import kept

IMAGES = np.random.default_rng(0).uniform(size=(2, 8, 8, 3)).astype("float32")


class Counting(layers.Layer):
    """Counts how often Python runs it."""

    runs = 0

    def call(self, x):
        type(self).runs += 1
        return x


def _model(**head):
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    x = layers.GlobalAveragePooling2D()(Counting()(x))
    head = {"activation": "softmax", "name": "head"} | head
    return keras.Model(inputs, layers.Dense(3, **head)(x))


@pytest.mark.parametrize("kind", ["float32", "mixed_float16"])
def test_another_thread_sees_the_model_as_it_is(kind, policy):
    policy(kind)
    model = _model()
    x = keras.ops.convert_to_tensor(IMAGES)
    expected = keras.ops.convert_to_numpy(model(x))
    found, stop = [], threading.Event()

    def call():
        while not stop.is_set():
            found.append(keras.ops.convert_to_numpy(model(x)))

    thread = threading.Thread(target=call)
    thread.start()
    try:
        for rate in np.linspace(0, 1, 6):  # an attribute that has it traced anew
            model.rate = float(rate)
            inspect.grad_cam(model, IMAGES)
            inspect.saliency(model, IMAGES, layer="conv")
            inspect.maximise(model, "head", 1, steps=2)
        while len(found) < 200:
            inspect.eigen_cam(model, IMAGES)
    finally:
        stop.set()
        thread.join()
    for answer in found:
        np.testing.assert_array_equal(answer, expected)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="compiles nothing")
def test_a_second_call_traces_nothing_and_sees_weights_that_changed():
    model = _model()
    before = inspect.grad_cam(model, IMAGES, 1, normalize=False)
    inspect.activations(model, IMAGES)
    runs = Counting.runs
    np.testing.assert_array_equal(
        inspect.grad_cam(model, IMAGES, 1, normalize=False), before
    )
    inspect.activations(model, IMAGES)
    head = model.get_layer("head")
    head.set_weights([2 * w for w in head.get_weights()])
    np.testing.assert_allclose(
        inspect.grad_cam(model, IMAGES, 1, normalize=False), 2 * before, rtol=1e-4
    )
    assert Counting.runs == runs


def test_an_exchanged_activation_and_a_policy_are_seen():
    model = _model(activation=None)
    before = inspect.grad_cam(model, IMAGES, 1, normalize=False)
    maps = inspect.activations(model, IMAGES)["conv"]
    model.get_layer("conv").activation = keras.activations.linear
    assert np.abs(inspect.activations(model, IMAGES)["conv"] - maps).max() > 1e-3
    after = inspect.grad_cam(model, IMAGES, 1, normalize=False)
    assert np.abs(after - before).max() > 1e-4
    model.get_layer("conv").dtype_policy = "mixed_float16"
    assert inspect.activations(model, IMAGES)["conv"].dtype == "float16"


def test_a_model_goes_with_all_that_was_kept_of_it():
    model = _model()
    inspect.grad_cam(model, IMAGES)
    inspect.saliency(model, IMAGES)
    inspect.activations(model, IMAGES)
    inspect.activations(model, IMAGES, reduce="mean")
    gone = weakref.ref(model)
    keras.backend.clear_session()
    del model
    for _ in range(3):
        gc.collect()
    assert gone() is None


@pytest.mark.once
def test_what_was_used_longest_ago_goes():
    model, made = _model(), []

    def make(i):
        return kept(model, i, lambda: made.append(i) or i)

    for i in (*range(17), 16, 1, 0):
        assert make(i) == i
    assert made == [*range(17), 0]
