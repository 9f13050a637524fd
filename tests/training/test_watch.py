"""What makes a training useless is said while it happens, and nothing else is."""

import keras
import numpy as np
import pytest
from keras import layers
from rich.console import Console
from sklearn import metrics

from keras_cnnzoo.data import load
from keras_cnnzoo.training import (
    BalancedAccuracy,
    Recipe,
    TrainingStopped,
    Watch,
    train,
)


def _data(counts, seed=0):
    """Bright and dark images, so many of each class."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    images = (
        rng.integers(0, 40, (len(labels), 8, 8, 1)) + 60 * labels[:, None, None, None]
    )
    return images.astype("uint8"), labels


def _watch(model, data, epochs=4, rate=1e-3, optimizer=None, validation=0.2):
    splits = load(data, validation=validation, batch_size=16)
    said = []
    names = ("ants", "bees", "cats")[: len(splits.class_names)]
    watch = Watch(said.append, splits.train, splits.validation, names)
    model.compile(
        optimizer or keras.optimizers.SGD(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy", BalancedAccuracy(len(names))],
    )
    model.fit(
        splits.train,
        validation_data=splits.validation,
        epochs=epochs,
        verbose=0,
        callbacks=[watch],
        shuffle=False,
    )
    assert said == [f"note: {text}" for text in watch.notes]
    return watch.notes


def _classifier(*inner, classes=2, softmax=True):
    last = [layers.Dense(classes), *([layers.Softmax()] if softmax else [])]
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(1 / 255),
            *inner,
            layers.Flatten(),
            *last,
        ]
    )


def test_balanced_accuracy_is_that_of_scikit_learn(rng):
    labels, answers = rng.integers(0, 4, 50), rng.random((50, 5))
    metric = BalancedAccuracy(5)  # no image of the last class
    for batch in np.array_split(np.arange(50), 3):
        metric.update_state(labels[batch], answers[batch])
    guessed = answers.argmax(axis=1)
    expected = metrics.recall_score(labels, guessed, labels=range(4), average="macro")
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 0
    assert BalancedAccuracy.from_config(metric.get_config()).classes == 5


@pytest.mark.parametrize("counts", [(40, 40), (30, 70), (30, 20, 40)])
def test_a_training_that_goes_well_hears_nothing(counts):
    hidden = layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D()
    model = _classifier(*hidden, classes=len(counts))
    optimizer = keras.optimizers.Adam(1e-2)
    assert _watch(model, _data(counts), optimizer=optimizer, epochs=6) == []


def test_a_dead_network_is_reported_once():
    dead = layers.Conv2D(
        4, 3, activation="relu", bias_initializer=keras.initializers.Constant(-9)
    )
    (guessing, same) = sorted(_watch(_classifier(dead), _data((40, 40)), epochs=6))
    assert "in epoch 2 the predictions are the same for every image" in guessing
    assert "the loss has stayed at 0.69" in same
    assert "guessing is 0.693" in same


def test_one_class_for_every_image_is_reported():
    model = _classifier()
    model.layers[-2].set_weights([np.random.rand(64, 2) / 50, np.array([0.0, 5.0])])
    notes = _watch(model, _data((20, 60)), rate=1e-9, epochs=3)
    (alike,) = [note for note in notes if "predicted as 'bees'" in note]
    assert "The accuracy of 75.0% is the share of 'bees'" in alike


def test_an_exploding_loss_is_reported_with_the_rate():
    notes = _watch(_classifier(softmax=False), _data((40, 40)), rate=100.0, epochs=2)
    (exploded,) = [note for note in notes if "diverges" in note]
    assert "now 100" in exploded
    assert "guessing is 0.693" in exploded


def test_a_majority_is_reported_at_once():
    notes = _watch(_classifier(), _data((10, 90)), rate=0.1, epochs=1)
    assert notes[0].startswith("90.0% of the training images are 'bees'")


def test_float16_that_skips_every_step_says_so():
    model = _classifier()
    # The gradients are larger than float16 goes, whatever the scale.
    inner = keras.optimizers.SGD(1e-3)
    optimizer = keras.optimizers.LossScaleOptimizer(
        inner, initial_scale=float("inf"), dynamic_growth_steps=10**6
    )
    notes = _watch(model, _data((40, 40)), optimizer=optimizer, epochs=1)
    assert "in epoch 1 every step was skipped" in notes[0]
    assert "mixed_bfloat16" in notes[0]


def _train(folder, data, **kwargs):
    return train("mlp", data, out=folder, console=Console(quiet=True), **kwargs)


def test_runs_keep_what_was_said(tmp_path):
    run = _train(
        tmp_path / "frozen", _data((8, 92)), recipe=Recipe(epochs=2), freeze=True
    )
    frozen, majority, *_ = run.results["notes"]
    assert frozen.startswith("the frozen layers have random weights")
    assert "'1'" in majority
    assert run.results["majority"] == pytest.approx(0.9)
    good = _train(tmp_path / "good", "digits", epochs=1)
    assert good.results["notes"] == []
    assert good.results["balanced_accuracy"] > 0.5
    held = _train(
        tmp_path / "held", "digits", epochs=1, weights=good.folder, freeze=True
    )
    assert held.results["notes"] == []


def test_float16_that_ends_without_a_number_says_why(tmp_path, policy):
    policy("mixed_float16")
    with pytest.raises(
        TrainingStopped, match=r"every step was skipped.*mixed_bfloat16"
    ):
        # What is multiplied by this overflows at the first step.
        _train(
            tmp_path / "fp16",
            _data((40, 40)),
            recipe=Recipe(epochs=1),
            weights=_huge(tmp_path),
        )


def _huge(folder):
    from keras_cnnzoo import build

    model = build("mlp", input_shape=(28, 28, 1), classes=2)
    for weight in model.trainable_weights:
        weight.assign(weight * 0 + 6e4)
    model.save(folder / "huge.keras")
    return folder / "huge.keras"
