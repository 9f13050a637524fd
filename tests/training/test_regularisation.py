"""What keeps a network from learning its images by heart acts as a recipe says."""

import keras
import numpy as np
import pytest
from rich.console import Console
from sklearn.utils.class_weight import compute_class_weight
from small_training import KillAt, Killed, assert_same_weights, train_small

from keras_cnnzoo import data
from keras_cnnzoo.training import Recipe, train

ALL = {
    "epochs": 2,
    "mix.mixup": 0.2,
    "mix.cutmix": 1.0,
    "erase.probability": 0.5,
    "loss.label_smoothing": 0.1,
    "ema.decay": 0.9,
}


def _train(images, folder, **kwargs):
    return train_small(images, out=folder, set=ALL, **kwargs)


class KeepLast(keras.callbacks.Callback):
    """Keeps the weights as they are at the end of each epoch."""

    def on_epoch_end(self, epoch, logs=None):
        self.weights = self.model.get_weights()


def test_all_together_train_and_keep_the_average(digits, tmp_path):
    last = KeepLast()
    run = _train(digits, tmp_path, callbacks=[last])
    assert run.results["status"] == "finished"
    assert np.isfinite(run.results["validation_loss"])
    kept = run.model.get_weights()
    assert all(np.isfinite(weight).all() for weight in kept)
    # The plain weights go on; what is kept lags behind them.
    assert any(
        np.abs(one - other).max() > 1e-4
        for one, other in zip(kept, last.weights, strict=True)
    )


def test_a_killed_training_with_all_of_it_ends_as_an_undisturbed_one(digits, tmp_path):
    whole = _train(digits, tmp_path / "whole").model
    kill = KillAt(0, 3)
    with pytest.raises(Killed):
        _train(digits, tmp_path / "cut", callbacks=[kill], save_every=0)
    resumed = train_small(
        digits, resume=tmp_path / "cut", set=ALL, callbacks=[KillAt(None)]
    )
    assert_same_weights(whole, resumed.model)


def test_balanced_classes_weigh_what_they_lack(digits, tmp_path, monkeypatch):
    images, labels = digits["train"]
    chosen = np.flatnonzero((labels < 2) | (labels == 5))[:50]
    few = np.concatenate([chosen[labels[chosen] == 0][:4], chosen[labels[chosen] != 0]])
    seen = {}
    fit = keras.Model.fit

    def noted(self, *args, **kwargs):
        seen.update(kwargs["class_weight"])
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "fit", noted)
    numbers = np.unique(labels[few], return_inverse=True)[1]
    recipe = Recipe(epochs=1, validation=0.2).replace(
        {"loss.class_weights": "balanced"}
    )
    run = train(
        "mlp",
        (images[few], numbers),
        recipe=recipe,
        out=tmp_path,
        console=Console(quiet=True),
    )
    assert run.results["status"] == "finished"
    counts = np.array([*seen.values()])
    assert counts.argmax() == 0
    trained = data.load((images[few], numbers), validation=0.2).train.labels()
    np.testing.assert_allclose(
        counts, compute_class_weight("balanced", classes=np.arange(3), y=trained)
    )
