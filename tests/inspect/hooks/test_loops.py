"""Cells of recurrent layers run in loops: they are named, and the rest is seen."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_cnnzoo import inspect


def _rows(x):
    return layers.Reshape((6, 18))(x)


def _lstm(x):
    return layers.LSTM(5, name="rnn")(_rows(x))


def _both_ways(x):
    return layers.Bidirectional(layers.GRU(5), name="rnn")(_rows(x))


def _cells(x):
    cells = [layers.LSTMCell(4), layers.SimpleRNNCell(5)]
    return layers.RNN(layers.StackedRNNCells(cells), name="rnn")(_rows(x))


def _conv_lstm(x):
    x = layers.Reshape((6, 6, 3, 1))(layers.Conv2D(3, 1)(x))
    return layers.Flatten()(layers.ConvLSTM2D(2, 3, name="rnn")(x))


@keras.saving.register_keras_serializable("tests")
class OwnLoop(layers.Layer):
    """Calls a layer in a loop of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.step = layers.Dense(4, name="step")

    def build(self, shape):
        self.step.build((shape[0], 4))

    def call(self, x):
        start = ops.mean(x, (1, 2))[:, :1] * ops.ones((1, 4))
        return ops.fori_loop(0, 3, lambda i, y: ops.tanh(self.step(y)), start)


def _own_loop(x):
    return OwnLoop(name="rnn")(x)


def _model(middle):
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")(inputs)
    x = layers.Reshape((6, 6, 3))(x)
    x = layers.Dense(2, activation="softmax", name="head")(middle(x))
    model = keras.Model(inputs, x)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


MODELS = [_lstm, _both_ways, _cells, _conv_lstm]
IMAGES = np.random.default_rng(0).uniform(size=(3, 6, 6, 3)).astype("float32")


@pytest.mark.parametrize("middle", MODELS)
def test_the_rest_is_seen_and_the_cells_are_named_once(middle):
    model = _model(middle)
    with pytest.warns(UserWarning, match="inside a loop") as told:
        found = inspect.activations(model, IMAGES, "*")
    assert len([w for w in told if "inside a loop" in str(w.message)]) == 1
    assert {"conv", "rnn", "head"} <= set(found)
    assert not any("cell" in path for path in found)
    expected = model.predict(IMAGES, verbose=0)
    np.testing.assert_allclose(found["head"], expected, atol=1e-5)
    cell = next(path for path in inspect.layer_paths(model) if "cell" in path)
    with pytest.raises(ValueError, match="run inside a loop"):
        inspect.activations(model, IMAGES, cell)


def _video(inner):
    frames = keras.Input((4, 6, 6, 3))
    x = layers.TimeDistributed(inner, name="frames")(frames)
    x = layers.GlobalAveragePooling3D(name="pool")(x)
    return keras.Model(frames, layers.Dense(2, name="head")(x))


FRAMES = np.random.default_rng(0).uniform(size=(3, 4, 6, 6, 3)).astype("float32")


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: layers.Conv2D(3, 3, name="conv"), "frames/conv"),
        (
            lambda: keras.Sequential(
                [keras.Input((6, 6, 3)), layers.Conv2D(3, 3, name="conv")], name="net"
            ),
            "frames/net/conv",
        ),
    ],
    ids=["layer", "model"],
)
def test_what_time_distributed_runs_is_told(make, path):
    model = _video(make())
    why = f"'{path}' is run by 'frames', a TimeDistributed, .*: take 'frames'"
    for look in (
        lambda: inspect.activations(model, FRAMES),  # all convolutions: this one
        lambda: inspect.activations(model, FRAMES, path, reduce="mean"),
        lambda: inspect.tap(model, path)(FRAMES),
    ):
        with pytest.raises(ValueError, match=f"run inside a loop: {path}. {why}"):
            look()
    with pytest.warns(UserWarning, match=f"{path}.* cannot be read") as told:
        found = inspect.activations(model, FRAMES, "*")
    # One sentence for the loop, not one for each layer in it.
    assert sum(str(w.message).count("is run by 'frames'") for w in told) == 1
    assert {"frames", "pool", "head"} <= set(found)
    assert found["frames"].shape == (3, 4, 4, 4, 3)
    assert not any(name.startswith("frames/") for name in found)


def test_a_loop_of_the_models_own():
    model = _model(_own_loop)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = inspect.activations(model, IMAGES, "*")
    assert {"conv", "rnn", "head"} <= set(found)


@pytest.mark.parametrize("middle", [_lstm, _own_loop])
@pytest.mark.filterwarnings("ignore:What")
def test_fit_goes_on_and_the_model_stays_whole(middle):
    model = _model(middle)
    with inspect.tap(model, "*") as seen:
        model.fit(IMAGES, np.array([0, 1, 0]), verbose=0)
    assert {"conv", "head"} <= set(seen[0])
    assert np.isfinite(model.predict(IMAGES, verbose=0)).all()


@pytest.mark.parametrize("middle", [_lstm, _conv_lstm])
def test_a_report_and_attributions(middle, tmp_path):
    model = _model(middle)
    page = inspect.explain(
        model, IMAGES[:1], tmp_path / "page.html", attributions=["grad_cam"]
    )
    assert "rnn" in page.read_text()
    assert inspect.saliency(model, IMAGES).shape == (3, 6, 6)


def test_a_failure_of_a_tap_leaves_the_model_whole(monkeypatch):
    model = _model(_lstm)

    def fails(*args):
        raise OSError("while maps were handed over")

    monkeypatch.setattr("keras_cnnzoo.inspect.hooks.tap.hand_over", fails)
    before = model.get_weights()
    with pytest.raises(Exception, match="handed over"), inspect.tap(model, "conv"):
        model.fit(IMAGES, np.array([0, 1, 0]), verbose=0)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    model.fit(IMAGES, np.array([0, 1, 0]), verbose=0)
