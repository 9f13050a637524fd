"""The learning-rate range test: what it measures, and that it leaves no trace."""

import keras
import numpy as np
import pytest

from keras_cnnzoo import build
from keras_cnnzoo.data import load
from keras_cnnzoo.training import find_learning_rate
from keras_cnnzoo.training.learning_rate import steepest, valley

SCHEDULE = keras.optimizers.schedules.CosineDecay(
    0.0, decay_steps=20, warmup_target=0.01, warmup_steps=2
)


def _data(rng, count=64):
    labels = rng.integers(0, 3, count)
    images = rng.normal(0, 1, (count, 6, 6, 1)) + labels[:, None, None, None]
    return images.astype("float32"), labels


def _model(optimizer):
    layers = [
        keras.layers.Conv2D(4, 3),
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.3, seed=5),
        keras.layers.Dense(3, "softmax"),
    ]
    model = keras.Sequential([keras.Input((6, 6, 1)), *layers])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _state(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


OPTIMIZERS = {
    "a number": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "a schedule": lambda: keras.optimizers.AdamW(SCHEDULE),
    "loss scale": lambda: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(0.01)
    ),
}


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_trace_is_left(rng, name, trained):
    data = _data(rng)
    model, same = _model(OPTIMIZERS[name]()), _model(OPTIMIZERS[name]())
    same.set_weights(model.get_weights())
    fit = {"batch_size": 16, "shuffle": False, "verbose": 0}
    for each in (model, same):
        if trained:
            each.fit(*data, epochs=2, **fit)
    rate = model.optimizer.learning_rate
    before = None if not trained else _state(model)
    find_learning_rate(model, data, steps=12)
    if trained:
        for old, new in zip(before, _state(model), strict=True):
            np.testing.assert_array_equal(old, new)
        assert float(rate) == float(model.optimizer.learning_rate)
    for each in (model, same):
        each.fit(*data, epochs=2, **fit)
    # The optimizer, the schedule, the statistics and the random numbers go on alike.
    for one, other in zip(_state(model), _state(same), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_exception_leaves_no_trace_either(rng):
    data = _data(rng)
    model = _model("adam")
    model.fit(*data, verbose=0)
    before = _state(model)

    def ends():
        yield data[0][:32], data[1][:32]
        yield data[0][:32], data[1][:32]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        find_learning_rate(model, ends())
    for old, new in zip(before, _state(model), strict=True):
        np.testing.assert_array_equal(old, new)
    model.fit(*data, verbose=0)


def test_each_step_has_its_rate_and_loss(rng):
    """A linear model with squared errors, beside gradient descent in NumPy."""
    x = rng.normal(0, 1, (96, 4))
    y = x @ np.array([1.0, -2.0, 0.5, 3.0])[:, None] + 0.1 * rng.normal(0, 1, (96, 1))
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((4,)), dense])
    model.compile(keras.optimizers.SGD(123.0), "mse")
    found = find_learning_rate(model, (x, y), lowest=1e-3, highest=1, steps=31)
    weights, losses = np.zeros((4, 1)), []
    rates = np.geomspace(1e-3, 1, 31)
    for step, rate in enumerate(rates):
        batch = slice(32 * (step % 3), 32 * (step % 3) + 32)
        error = x[batch] @ weights - y[batch]
        losses.append((error**2).mean())
        weights -= rate * 2 * x[batch].T @ error / 32
    count = len(found.losses)
    np.testing.assert_allclose(found.rates, rates[:count], rtol=1e-5)
    np.testing.assert_allclose(found.losses, losses[:count], rtol=1e-4)
    assert count > 20
    smoothed = [
        np.average(losses[: n + 1], weights=0.9 ** np.arange(n, -1, -1))
        for n in range(count)
    ]
    np.testing.assert_allclose(found.smoothed, smoothed, rtol=1e-4)
    # Descent on squared errors diverges above 1 over the largest eigenvalue.
    limit = 1 / np.linalg.eigvalsh(x.T @ x / 96).max()
    assert limit / 30 < found.suggestion < limit


def test_the_suggestion_for_lenet5_is_near_its_recipe():
    data = load("digits", image_size=32, batch_size=32)
    keras.utils.set_random_seed(0)
    model = build("lenet5", input_shape=data.image_shape, classes=10)
    model.compile("adamw", "sparse_categorical_crossentropy", steps_per_execution=4)
    if keras.backend.backend() == "torch":  # where Keras refuses several steps
        model.compile("adamw", "sparse_categorical_crossentropy")
    first = data.train[0][0]
    found = find_learning_rate(model, data.train, steps=60)
    # Its recipe has 3e-3.
    assert 3e-4 < found.suggestion < 3e-2
    assert 3e-4 < found.steepest < 3e-1
    assert data.train.epoch == 0
    np.testing.assert_array_equal(data.train[0][0], first)
    axes = found.plot(title="LeNet-5").axes[0]
    assert axes.get_xscale() == "log"
    assert f"valley {found.valley:.2g}" in [t.get_text() for t in axes.texts]


@pytest.mark.once
def test_a_loss_that_does_not_fall_has_no_suggestion():
    # Nothing to tell the classes by, and as many images of each.
    data = np.zeros((30, 6, 6, 1)), np.arange(30) % 3
    found = find_learning_rate(_model("sgd"), data, steps=10)
    assert found.suggestion is None
    assert found.steepest is None
    found.plot()


def _fastai_valley(lrs, losses):
    """Transcribed from fastai 2.8, `fastai.callback.schedule.valley`."""
    n = len(losses)
    max_start, max_end = 0, 0
    lds = [1] * n
    for i in range(1, n):
        for j in range(i):
            if (losses[i] < losses[j]) and (lds[i] < lds[j] + 1):
                lds[i] = lds[j] + 1
            if lds[max_end] < lds[i]:
                max_end = i
                max_start = max_end - lds[max_end]
    sections = (max_end - max_start) / 3
    return lrs[max_start + int(sections) + int(sections / 2)]


@pytest.mark.once
def test_the_suggestions_are_those_of_fastai(rng):
    rates = np.geomspace(1e-6, 1, 90)
    for noise in (0, 0.05, 0.3):
        x = np.log10(rates)
        losses = 2 - 1.5 / (1 + np.exp(-3 * (x + 3))) + np.exp(3 * (x + 0.5))
        losses += noise * rng.normal(0, 1, 90)
        assert valley(rates, losses) == _fastai_valley(rates, losses)
        slopes = (losses[1:] - losses[:-1]) / (np.log(rates[1:]) - np.log(rates[:-1]))
        assert steepest(rates, losses) == rates[slopes.argmin()]
    smooth = 2 - 1.5 / (1 + np.exp(-3 * (x + 3)))
    assert steepest(rates, smooth) == pytest.approx(1e-3, rel=0.2)


@pytest.mark.once
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"lowest": 0}, "are positive"),
        ({"lowest": 1, "highest": 0.1}, "the second is higher"),
        ({"steps": 3}, "`steps` is at least 10"),
        ({"smoothing": 1}, "Received: 100 and 1"),
        ({"lowest": 1e30, "highest": 1e32}, "Lower `lowest`, now 1e\\+30"),
    ],
)
def test_mistakes_are_named(rng, given, says):
    with pytest.raises(ValueError, match=says):
        find_learning_rate(_model("sgd"), _data(rng), **given)


@pytest.mark.once
def test_what_cannot_be_tested_is_named(rng):
    layers = [keras.Input((6, 6, 1)), keras.layers.Flatten()]
    with pytest.raises(ValueError, match="Compile it as for the training"):
        find_learning_rate(keras.Sequential(layers), _data(rng))
    frozen = _model("sgd")
    frozen.trainable = False
    with pytest.raises(ValueError, match="no weights to train"):
        find_learning_rate(frozen, _data(rng))
    once = iter([_data(rng, 8)] * 3)
    with pytest.raises(ValueError, match="gone through only once"):
        find_learning_rate(_model("sgd"), once)
    with pytest.raises(ValueError, match="have no batches"):
        find_learning_rate(_model("sgd"), [])


def test_class_weights_weigh_the_losses(rng):
    images, labels = _data(rng)
    weights = {0: 2.0, 1: 0.5, 2: 1.0}
    each = np.array([weights[label] for label in labels])
    batches = [
        (images[i : i + 16], labels[i : i + 16], each[i : i + 16])
        for i in range(0, len(labels), 16)
    ]
    model = _model(keras.optimizers.SGD(0.1))
    plain = [(x, y) for x, y, _ in batches]
    ours = find_learning_rate(model, plain, steps=12, class_weight=weights)
    theirs = find_learning_rate(model, batches, steps=12)
    np.testing.assert_allclose(ours.losses, theirs.losses, 1e-5)
    unweighted = find_learning_rate(model, plain, steps=12)
    assert not np.allclose(ours.losses, unweighted.losses, 1e-2)


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="Keras has one step per call there"
)
def test_several_steps_per_call_change_nothing(rng):
    images, labels = _data(rng)
    model = _model(keras.optimizers.SGD(0.1))
    batches = [
        (images[i : i + 16], labels[i : i + 16]) for i in range(0, len(labels), 16)
    ]
    one = find_learning_rate(model, batches, steps=12)
    model.compile(
        model.optimizer, "sparse_categorical_crossentropy", steps_per_execution=4
    )
    several = find_learning_rate(model, batches, steps=12)
    np.testing.assert_allclose(one.losses, several.losses, 1e-5)
    assert model.steps_per_execution == 4
    model.fit(images, labels, batch_size=16, epochs=1, verbose=0)
