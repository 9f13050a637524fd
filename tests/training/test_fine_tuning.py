"""All weights train, early ones slowly or later, and callbacks see one training."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo.layers import ResidualBlock
from keras_cnnzoo.training import fine_tune, freeze, linear_probe
from keras_cnnzoo.training.callbacks import HistoryFile
from keras_cnnzoo.training.continuing import Continued
from keras_cnnzoo.training.fine_tuning import _ends

COUNT, CLASSES = 32, 3
#: The parts of the model from the head on, and weights that each has.
PARTS = {
    "head": ("head/kernel", "head/bias"),
    "stage2": ("stage2_conv/kernel", "stage2_bn/moving_mean", "stage2_bn/gamma"),
    "stage1": ("stage1_block/conv1/kernel", "stage1_block/bn1/moving_variance"),
    "stem": ("stem_conv/kernel", "stem_bn/moving_mean"),
}


def _model():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="stem_conv")(layers.Rescaling(1 / 255)(inputs))
    x = layers.BatchNormalization(momentum=0.5, name="stem_bn")(x)
    x = ResidualBlock(4, name="stage1_block")(x)
    x = layers.Conv2D(4, 3, name="stage2_conv")(x)
    x = layers.BatchNormalization(momentum=0.5, name="stage2_bn")(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(inputs, layers.Dense(CLASSES, "softmax", name="head")(x))


def _compile(model, rate=0.1, **settings):
    optimizer = keras.optimizers.SGD(rate, **settings)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (COUNT, 8, 8, 3)), rng.integers(0, CLASSES, COUNT)


class Moves(keras.callbacks.Callback):
    """Notes which weights each epoch moves, and ends the training if asked to."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.moved, self.seen, self.stop_after = [], [], stop_after

    def _weights(self):
        return {
            w.path: keras.ops.convert_to_numpy(w).copy() for w in self.model.weights
        }

    def on_train_begin(self, logs=None):
        self.seen.append(("begin", self.params["epochs"]))
        self.before = self._weights()

    def on_epoch_end(self, epoch, logs=None):
        now = self._weights()
        self.moved.append({p for p, v in now.items() if (v != self.before[p]).any()})
        self.before = now
        self.seen.append(epoch)
        if epoch == self.stop_after:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.seen.append("end")


def test_without_decay_it_is_fit(images):
    one, other = _compile(_model(), momentum=0.9), _compile(_model(), momentum=0.9)
    other.set_weights(one.get_weights())
    freeze(one)
    settings = {"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0}
    ours = fine_tune(one, images, images, layer_decay=1.0, **settings)
    theirs = other.fit(*images, validation_data=images, **settings)
    for name, values in theirs.history.items():
        np.testing.assert_allclose(ours.history[name], values, rtol=1e-4, atol=1e-5)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert ours.model is one


def test_rates_fall_with_depth(images):
    model = _compile(_model())
    fine_tune(model, images, epochs=1, layer_decay=0.5, verbose=0)
    rates = [model.optimizer.factor_of(paths[0]) for paths in PARTS.values()]
    assert rates == [1, 0.5, 0.25, 0.125]


@pytest.mark.parametrize("epochs", [6, 2])
def test_stages_train_from_the_head_on(epochs, images):
    """Frozen statistics stand still until their stage is added."""
    model, moves = _compile(_model(), 0.05), Moves()
    fine_tune(model, images, epochs=epochs, gradual=True, callbacks=[moves], verbose=0)
    assert moves.seen == [("begin", epochs), *range(epochs), "end"]
    expected = {6: [1, 2, 3, 4, 4, 4], 2: [2, 4]}[epochs]
    for moved, count in zip(moves.moved, expected, strict=True):
        for place, paths in enumerate(PARTS.values()):
            assert [path in moved for path in paths] == [place < count] * len(paths)
    assert all(layer.trainable for layer in model.layers)


@pytest.mark.once
def test_every_stage_has_its_turn():
    assert list(_ends(4, 6)) == [(1, 1), (2, 2), (3, 3), (4, 6)]
    assert list(_ends(4, 4)) == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert list(_ends(5, 2)) == [(3, 1), (5, 2)]
    assert list(_ends(3, 1)) == [(3, 1)]


@pytest.mark.parametrize("accumulate", [None, 2])
def test_one_schedule_goes_through_all_phases(images, tmp_path, accumulate):
    steps = COUNT // 8
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 6 * steps)
    model = _compile(_model(), schedule, gradient_accumulation_steps=accumulate)
    table = HistoryFile(tmp_path / "h.csv")
    fine_tune(
        *(model, images, images),
        epochs=6,
        batch_size=8,
        gradual=True,
        callbacks=[table],
        verbose=0,
    )
    rates = [row["learning_rate"] for row in table.rows]
    expected = [float(schedule(steps * epoch)) for epoch in range(1, 7)]
    np.testing.assert_allclose(rates, expected, atol=1e-6)
    assert [row["epoch"] for row in table.rows] == [1, 2, 3, 4, 5, 6]


def test_a_callback_can_end_it_between_phases(images):
    model, moves = _compile(_model()), Moves(stop_after=1)
    history = fine_tune(
        model, images, epochs=6, gradual=True, callbacks=[moves], verbose=0
    )
    assert len(history.history["loss"]) == 2
    assert moves.seen[-1] == "end"
    assert all(layer.trainable for layer in model.layers)


def test_half_precision_trains_every_stage(images, policy):
    policy("mixed_float16")
    schedule = keras.optimizers.schedules.CosineDecay(0.05, 24)
    model, moves = _compile(_model(), schedule), Moves()
    fine_tune(model, images, epochs=5, gradual=True, callbacks=[moves], verbose=0)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert "stem_conv/kernel" in moves.moved[-1]


@pytest.mark.once
def test_a_model_can_be_probed_and_then_tuned(images):
    model = _compile(_model())
    linear_probe(model, images, epochs=2, verbose=0)
    history = fine_tune(model, images, images, epochs=2, verbose=0)
    assert np.isfinite(history.history["val_loss"]).all()


@pytest.mark.once
def test_a_continued_schedule_is_saved():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    saved = keras.saving.serialize_keras_object(Continued(Continued(schedule, 2), 3))
    again = keras.saving.deserialize_keras_object(saved)
    assert float(again(1)) == pytest.approx(float(schedule(6)))


@pytest.mark.once
def test_wrong_arguments_are_answered(images):
    with pytest.raises(ValueError, match="is not compiled"):
        fine_tune(_model(), images)
    with pytest.raises(ValueError, match="`epochs` is at least 1"):
        fine_tune(_compile(_model()), images, epochs=0)
    with pytest.raises(ValueError, match="`decay` is above 0"):
        fine_tune(_compile(_model()), images, layer_decay=0.0)
