"""A head trained on features that are computed once, compared with `fit` itself."""

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.linear_model import LogisticRegression

from keras_cnnzoo import build, data
from keras_cnnzoo.layers import ResidualBlock
from keras_cnnzoo.training import BalancedAccuracy, freeze, linear_probe, unfreeze
from keras_cnnzoo.training.callbacks import HistoryFile, KeepBest
from keras_cnnzoo.training.checkpoints import newest
from keras_cnnzoo.training.keeping import KeepCheckpoints, StopInOrder

COUNT, CLASSES = 52, 3


def _model(dropout=0.0):
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, name="conv")(layers.Rescaling(1 / 255)(inputs))
    x = layers.BatchNormalization(momentum=0.5, name="bn")(x)
    x = layers.GlobalAveragePooling2D()(ResidualBlock(6, name="block")(x))
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(CLASSES, activation="softmax", name="head")(x)
    return _compile(keras.Model(inputs, x))


def _compile(model, optimizer=None):
    model.compile(
        optimizer or keras.optimizers.SGD(0.5, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


@pytest.fixture
def images(rng):
    """Images whose classes differ in colour."""
    y = rng.integers(0, CLASSES, COUNT)
    x = rng.uniform(0, 160, (COUNT, 8, 8, 3))
    x[np.arange(COUNT), :, :, y] += 60
    return x.astype("float32"), y


def _weights(model):
    return {w.path: keras.ops.convert_to_numpy(w).copy() for w in model.weights}


def _histories_agree(one, other):
    assert one.history.keys() == other.history.keys()
    for name, values in one.history.items():
        np.testing.assert_allclose(
            values, other.history[name], rtol=1e-4, atol=1e-5, err_msg=name
        )


@pytest.mark.parametrize("memory", [1e9, 500])
def test_the_head_is_the_one_that_fit_trains(images, memory):
    x, y = images
    checked = (x[:20], y[:20])
    settings = {"epochs": 4, "batch_size": 16, "shuffle": False, "verbose": 0}
    one, other = _model(), _model()
    other.set_weights(one.get_weights())
    before = _weights(one)
    ours = linear_probe(one, images, checked, memory=memory, **settings)
    theirs = freeze(other).fit(x, y, validation_data=checked, **settings)
    _histories_agree(ours, theirs)
    assert ours.model is one
    assert ours.history["loss"][-1] < ours.history["loss"][0]
    found, expected = _weights(one), _weights(other)
    for path, was in before.items():
        np.testing.assert_allclose(found[path], expected[path], atol=1e-5)
        # Everything but the head is bit for bit what it was, statistics included.
        assert np.array_equal(found[path], was) == (not path.startswith("head")), path
    assert one.evaluate(*checked, verbose=0)[0] == pytest.approx(
        ours.history["val_loss"][-1], rel=1e-4
    )
    assert all(layer.trainable for layer in one.layers)


def test_a_head_that_converges_is_scikit_learns(images):
    x, y = images
    model = _model()
    head = model.get_layer("head")
    features = keras.Model(model.input, head.input).predict(x, verbose=0)
    # Of one scale, so that plain gradient descent reaches the optimum.
    mean, spread = features.mean(0), features.std(0)
    inputs = keras.Input((8, 8, 3))
    z = keras.Model(model.input, head.input)(inputs)
    z = layers.Normalization(mean=mean, variance=spread**2)(z)
    penalty = keras.regularizers.L2(1 / (2 * COUNT))
    z = layers.Dense(CLASSES, "softmax", kernel_regularizer=penalty)(z)
    model = _compile(keras.Model(inputs, z), keras.optimizers.SGD(1.0, momentum=0.9))
    linear_probe(model, images, epochs=150, batch_size=COUNT, verbose=0)
    reference = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000)
    reference.fit((features - mean) / spread, y)
    expected = reference.predict_proba((features - mean) / spread)
    got = model.predict(x, verbose=0)
    np.testing.assert_allclose(got, expected, atol=2e-3)


def test_dropout_before_the_head_is_active_in_training_alone(images):
    model = _model(dropout=0.5)
    history = linear_probe(model, images, images, epochs=1, verbose=0).history
    assert history["loss"][0] != pytest.approx(history["val_loss"][0], rel=1e-3)
    head = model.get_layer("head")
    kernel = keras.ops.convert_to_numpy(head.kernel)
    plain = _model()
    linear_probe(plain, images, images, epochs=1, verbose=0)
    other = keras.ops.convert_to_numpy(plain.get_layer("head").kernel)
    assert not np.allclose(kernel, other)


class Noting(keras.callbacks.Callback):
    """Notes what it sees of the model that it is shown."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.seen, self.stop_after = [], stop_after

    def on_train_begin(self, logs=None):
        self.seen.append(("begin", self.params["epochs"], self.params["steps"]))

    def on_epoch_end(self, epoch, logs=None):
        moved = _weights(self.model)
        assert np.isfinite(moved["head/kernel"]).all()
        self.seen.append(("epoch", epoch, len(moved), sorted(logs)))

    def on_train_batch_end(self, batch, logs=None):
        if batch == self.stop_after:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.seen.append(("end",))


def test_callbacks_see_the_whole_model(images):
    model, noting = _model(), Noting()
    linear_probe(
        model, images, images, epochs=2, batch_size=13, callbacks=[noting], verbose=0
    )
    logs = ["accuracy", "loss", "val_accuracy", "val_loss"]
    count = len(model.weights)
    assert noting.seen == [
        ("begin", 2, 4),
        ("epoch", 0, count, logs),
        ("epoch", 1, count, logs),
        ("end",),
    ]
    noting = Noting(stop_after=3)
    optimizer = model.optimizer
    history = linear_probe(model, images, epochs=9, batch_size=13, callbacks=[noting])
    assert len(history.history["loss"]) == 1
    assert model.optimizer is optimizer


def test_the_callbacks_of_train_work(images, tmp_path):
    schedule = keras.optimizers.schedules.CosineDecay(0.5, 4 * 3)
    model = _model()
    model.compile(
        keras.optimizers.SGD(schedule),
        "sparse_categorical_crossentropy",
        metrics=["accuracy", BalancedAccuracy(CLASSES)],
    )
    best, table = KeepBest(tmp_path / "best.keras"), HistoryFile(tmp_path / "h.csv")
    # One for each step, so that the whole model has its weights in the middle of `fit`.
    checkpoints = KeepCheckpoints(tmp_path / "checkpoints", every=0)
    callbacks = [best, table, checkpoints, StopInOrder(checkpoints)]
    linear_probe(
        model, images, images, epochs=3, batch_size=13, callbacks=callbacks, verbose=0
    )
    rates = [row["learning_rate"] for row in table.rows]
    assert rates == pytest.approx([float(schedule(n)) for n in (4, 8, 12)], abs=1e-6)
    kept = newest(tmp_path / "checkpoints")
    weights = [v for k, v in kept.arrays.items() if k.startswith("model/")]
    assert any(np.array_equal(v, model.get_weights()[-1]) for v in weights)
    again = keras.saving.load_model(tmp_path / "best.keras")
    assert again.input_shape == (None, 8, 8, 3)
    if best.epoch == 3:
        np.testing.assert_allclose(again.get_weights()[-1], model.get_weights()[-1])


def test_one_seed_gives_one_head(images):
    def head(seed):
        keras.utils.set_random_seed(0)
        model = _model(dropout=0.3)
        linear_probe(model, images, epochs=2, batch_size=8, seed=seed, verbose=0)
        return model.get_weights()[-1]

    np.testing.assert_array_equal(head(0), head(0))
    assert not np.array_equal(head(0), head(1))


def test_data_sets_are_read_without_augmentation_and_with(images):
    def noisy(batch, rng):
        calls.append(len(batch))
        return batch + rng.normal(0, 20, batch.shape).astype("float32")

    splits = data.load(
        {"train": images, "validation": images}, augment=noisy, batch_size=16
    )
    plain, calls = _model(), []
    start = plain.get_weights()
    ours = linear_probe(plain, splits.train, splits.validation, epochs=3, verbose=0)
    assert not calls
    other = _model()
    other.set_weights(start)
    x, y = images
    theirs = linear_probe(other, (x, y), (x, y), epochs=3, batch_size=16, verbose=0)
    _histories_agree(ours, theirs)
    augmented = _model()
    augmented.set_weights(start)
    linear_probe(augmented, splits.train, epochs=3, augmented_passes=2, verbose=0)
    assert sum(calls) >= 2 * COUNT  # threads read ahead
    assert not np.allclose(augmented.get_weights()[-1], plain.get_weights()[-1])


def test_sample_weights_count(images):
    x, y = images
    weight = np.where(y == 0, 5.0, 0.1).astype("float32")
    settings = {"epochs": 3, "batch_size": 13, "shuffle": False, "verbose": 0}
    one, other = _model(), _model()
    other.set_weights(one.get_weights())
    ours = linear_probe(one, (x, y, weight), **settings)
    theirs = freeze(other).fit(x, y, sample_weight=weight, **settings)
    _histories_agree(ours, theirs)


@pytest.mark.once
def test_features_beyond_the_memory_are_in_a_file_that_leaves_nothing(
    images, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    linear_probe(_model(), images, epochs=1, memory=0, verbose=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.once
@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18", "mobilenet_v2"])
def test_models_of_the_zoo_are_probed(name, rng):
    model = _compile(build(name, input_shape=(64, 64, 3), classes=CLASSES))
    x, y = rng.uniform(0, 255, (6, 64, 64, 3)), np.arange(6) % CLASSES
    before = _weights(model)
    linear_probe(model, (x, y), epochs=1, verbose=0)
    moved = {
        path
        for path, value in _weights(model).items()
        if not np.array_equal(value, before[path])
    }
    assert moved <= {"head/kernel", "head/bias"}


@pytest.mark.once
def test_what_cannot_be_probed_is_answered(images):
    x, _ = images
    with pytest.raises(ValueError, match="is not compiled"):
        linear_probe(build("mlp"), images)
    frozen = _model()
    frozen.get_layer("head").trainable = False
    with pytest.raises(ValueError, match=r"head of .* is frozen"):
        linear_probe(frozen, images)
    with pytest.raises(ValueError, match="no labels"):
        linear_probe(_model(), (x,))
    with pytest.raises(ValueError, match="no images"):
        linear_probe(unfreeze(_model()), (x[:0], images[1][:0]))
