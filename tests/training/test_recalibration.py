"""Statistics of batch normalisation computed anew."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo import build
from keras_cnnzoo.training import recalibrate


def two_norms():
    return keras.Sequential(
        [
            keras.Input((5, 5, 3)),
            layers.BatchNormalization(name="one"),
            layers.Conv2D(4, 1, use_bias=False, name="conv"),
            layers.BatchNormalization(name="two", epsilon=1e-3),
        ]
    )


def moments(x):
    return x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))


def population(moments):
    """Equations of the paper, for batches of one size."""
    means, variances = map(np.stack, zip(*moments, strict=True))
    mean = means.mean(axis=0)
    return mean, (variances + means**2).mean(axis=0) - mean**2


def held(layer):
    return layer.moving_mean.numpy(), layer.moving_variance.numpy()


def test_statistics_are_those_of_numpy(rng):
    model = two_norms()
    batches = [rng.normal(i, 1 + i, (6, 5, 5, 3)).astype("float32") for i in range(4)]
    assert recalibrate(model, ((x, np.zeros(6)) for x in batches), 3) is model
    seen = batches[:3]
    # Within the pass, every batch is normalised by its own statistics.
    outputs = []
    for x in seen:
        mean, variance = moments(x)
        normal = (x - mean) / np.sqrt(variance + 1e-3)
        outputs.append(normal @ model.get_layer("conv").kernel.numpy()[0, 0])
    for name, inputs in (("one", seen), ("two", outputs)):
        wanted = population([moments(x) for x in inputs])
        for found, value in zip(held(model.get_layer(name)), wanted, strict=True):
            np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-5)
    # Of the first layer, they are the moments of all images together.
    for found, value in zip(
        held(model.get_layer("one")), moments(np.concatenate(seen)), strict=True
    ):
        np.testing.assert_allclose(found, value, rtol=1e-4)


def test_a_smaller_batch_counts_less(rng):
    model = two_norms()
    x = rng.normal(2, 3, (10, 5, 5, 3)).astype("float32")
    recalibrate(model, [x[:8], x[8:]])
    for found, value in zip(held(model.get_layer("one")), moments(x), strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-4)


def test_momentum_comes_back_and_frozen_layers_keep_their_statistics(rng):
    model = two_norms()
    model.get_layer("two").trainable = False
    before = held(model.get_layer("two"))
    x = rng.normal(1, 2, (6, 5, 5, 3)).astype("float32")
    recalibrate(model, [x])
    assert held(model.get_layer("two"))[0] == pytest.approx(before[0])
    assert held(model.get_layer("two"))[1] == pytest.approx(before[1])
    one = model.get_layer("one")
    assert one.momentum == 0.99
    mean = one.moving_mean.numpy()
    model(x + 1, training=True)
    wanted = 0.99 * mean + 0.01 * moments(x + 1)[0]
    np.testing.assert_allclose(one.moving_mean.numpy(), wanted, rtol=1e-4)


def test_an_untrained_network_predicts_as_in_training(rng):
    model = build("cifar_resnet20", classes=10)
    x = rng.integers(0, 256, (16, 32, 32, 3)).astype("uint8")
    weights = [w.numpy() for w in model.trainable_variables]
    recalibrate(model, [x, x], 1)
    for before, weight in zip(weights, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(before, weight.numpy())
    inference = keras.ops.convert_to_numpy(model(x, training=False))
    training = keras.ops.convert_to_numpy(model(x, training=True))
    np.testing.assert_allclose(inference, training, atol=1e-4)


@pytest.mark.once
def test_no_batches_are_refused():
    with pytest.raises(ValueError, match=r"no batches .* n=0 and a list"):
        recalibrate(two_norms(), [np.zeros((2, 5, 5, 3))], 0)
