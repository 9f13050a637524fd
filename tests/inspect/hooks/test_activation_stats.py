"""ActivationStats: what it logs equals NumPy, and it speaks up once."""

import csv
import importlib.util
import warnings

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo.inspect import ActivationStats, find, instrument, set_record, tap
from keras_cnnzoo.layers import InstrumentedConv2D


def _model(record="stats"):
    model = instrument(
        keras.Sequential(
            [
                keras.Input((6, 6, 2)),
                layers.Conv2D(4, 3, activation="relu", name="conv1"),
                layers.Conv2D(3, 3, name="conv2"),
                layers.GlobalAveragePooling2D(name="pool"),
            ]
        ),
        record=record,
    )
    # Nothing is learnt, so that what an epoch saw can be computed afterwards.
    model.compile(keras.optimizers.SGD(0.0), "mse")
    return model


def _kill(model, channels):
    """Have ReLU never let the first channels of `conv1` through."""
    bias = np.zeros(4)
    bias[:channels] = -1e3
    model.get_layer("conv1").bias.assign(bias)


def _fit(model, x, *callbacks, epochs=2, **kwargs):
    y = np.zeros((len(x), 3))
    return model.fit(
        x,
        y,
        batch_size=4,
        epochs=epochs,
        verbose=0,
        callbacks=list(callbacks),
        **kwargs,
    ).history


@pytest.fixture
def x(rng):
    return rng.normal(size=(8, 6, 6, 2)).astype("float32")


def test_logs_and_table_equal_numpy(x, tmp_path):
    model = _model()
    _kill(model, 1)
    file = tmp_path / "activations.csv"
    history = _fit(
        model, x, ActivationStats(file), validation_data=(x * 9, np.zeros((8, 3)))
    )
    rows = list(csv.DictReader(file.open()))
    assert [(row["epoch"], row["layer"]) for row in rows] == [
        *(("1", "conv1"), ("1", "conv2"), ("2", "conv1"), ("2", "conv2"))
    ]
    for path, maps in tap(model)(x).items():
        expected = {
            "dead": 0.25 if path == "conv1" else 0.0,
            "mean": maps.mean(),
            # The mean over the batches of 4 of the variance within a channel, and
            # the variance between the channels.
            "variance": None,
        }
        within = [maps[i : i + 4].var((0, 1, 2)) for i in (0, 4)]
        expected["variance"] = np.mean(within) + maps.mean((0, 1, 2)).var()
        mine = [row for row in rows if row["layer"] == path]
        for name, value in expected.items():
            logged = history[f"{path}/{name}"]
            # fit shuffles, so that the batches differ.
            np.testing.assert_allclose(logged, [value] * 2, rtol=0.05, atol=1e-6)
            np.testing.assert_allclose([float(row[name]) for row in mine], logged)


def test_each_epoch_starts_anew(x):
    model, stats = _model(), ActivationStats()
    change = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: epoch == 1 and _kill(model, 4)
    )
    with pytest.warns(UserWarning, match=r"epoch 2, all channels of 'conv1'"):
        history = _fit(model, x, change, stats)
    assert history["conv1/dead"] == [0, 1]
    assert history["conv1/mean"][1] == history["conv1/variance"][1] == 0
    # What nothing comes into gives nothing either.
    assert history["conv2/dead"] == [0, 1]


def test_warns_once_a_layer(x):
    model, stats = _model(), ActivationStats()
    _kill(model, 4)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _fit(model, x, stats, epochs=3)
    said = [str(w.message) for w in caught if "dead" in str(w.message)]
    assert len(said) == 2
    assert "'conv1'" in said[0]
    assert "'conv2'" in said[1]


def test_tensorboard(x, tmp_path):
    import tensorflow as tf

    records = tf.compat.v1.train.summary_iterator
    history = _fit(_model(), x, ActivationStats(log_dir=tmp_path))
    (file,) = tmp_path.glob("train/events*")
    tags = {value.tag for event in records(str(file)) for value in event.summary.value}
    assert {f"epoch_{name}" for name in history if "conv" in name} <= tags


def test_says_what_tensorboard_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install tensorboard"):
        ActivationStats(log_dir=tmp_path)


def test_needs_a_layer_that_records(x):
    with pytest.raises(ValueError, match=r"instrument\(model\)"):
        _fit(_model("off"), x, ActivationStats())
    model = _model("off")
    set_record(model, "stats", "conv2")
    assert "conv2/dead" in _fit(model, x, ActivationStats())


@pytest.mark.once
def test_every_kind_of_model(subject):
    _, model, about = subject
    seeing = instrument(model)
    seeing.compile("sgd", "sparse_categorical_crossentropy")
    history = seeing.fit(
        about.images(), np.arange(2), verbose=0, callbacks=[ActivationStats()]
    ).history
    dead = [name for name in history if name.endswith("/dead")]
    assert len(dead) == len(find(seeing, InstrumentedConv2D))


@pytest.mark.once
def test_works_with_a_network_of_blocks(rng):
    from keras_cnnzoo import build

    model = build("cifar_resnet20", classes=3, instrument="stats")
    model.compile("sgd", "sparse_categorical_crossentropy")
    images = rng.uniform(0, 255, (4, 32, 32, 3))
    history = model.fit(
        images, np.arange(4) % 3, verbose=0, callbacks=[ActivationStats()]
    ).history
    assert len([name for name in history if name.endswith("/dead")]) == 19
    assert history["stage3_block2/conv1/variance"][0] > 0
