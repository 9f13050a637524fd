"""`train` goes on from learnt weights in each way of transfer, and loses nothing."""

import functools

import keras
import numpy as np
import pytest
from small_training import KillAt, Killed, assert_same_weights, train_small

from keras_cnnzoo import build, data
from keras_cnnzoo.cli.main import main
from keras_cnnzoo.data import AUGMENTATIONS
from keras_cnnzoo.training import (
    TRANSFERS,
    Recipe,
    Run,
    TrainingStopped,
    find_recipe,
    transfer_by,
)
from keras_cnnzoo.training.compiling import compile_model
from keras_cnnzoo.training.devices import Devices
from keras_cnnzoo.training.preparing import prepare

RECIPE = Recipe(epochs=2, batch_size=32, augment=AUGMENTATIONS["digits"])
PLAIN = {"recipe": Recipe(epochs=2, batch_size=32), "drop_path": 0.0}
pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def learnt(digits, tmp_path_factory):
    """The folder of a run to start from."""
    return train_small(
        digits, recipe=RECIPE, out=tmp_path_factory.mktemp("learnt")
    ).folder


@pytest.fixture(scope="module")
def undisturbed(digits, learnt, tmp_path_factory):
    """A function that returns the run of a way of transfer, made once."""

    @functools.cache
    def trained(way):
        folder = tmp_path_factory.mktemp(way)
        return train_small(
            digits, weights=learnt, transfer=way, recipe=RECIPE, out=folder
        )

    return trained


def _history(run):
    return np.genfromtxt(run.folder / "history.csv", delimiter=",", names=True)


@pytest.mark.parametrize(
    ("way", "epoch", "step"),
    [
        ("probe", 1, 3),
        ("finetune", 1, 3),
        # From the second epoch on all stages train, and before it some.
        ("gradual", 0, 4),
        ("gradual", 1, 0),
        ("gradual", 1, 4),
    ],
)
def test_a_killed_transfer_ends_as_an_undisturbed_one(
    digits, learnt, undisturbed, tmp_path, way, epoch, step
):
    given = {"weights": learnt, "transfer": way, "recipe": RECIPE}
    whole, folder = undisturbed(way), tmp_path / "killed"
    with pytest.raises(Killed):
        train_small(
            digits, out=folder, callbacks=[KillAt(epoch, step)], save_every=0, **given
        )
    run = train_small(digits, resume=folder, callbacks=[KillAt(None)], **given)
    assert_same_weights(run.model, whole.model)
    ours, theirs = _history(run), _history(whole)
    for name in set(ours.dtype.names) - {"seconds"}:
        np.testing.assert_array_equal(ours[name], theirs[name], name)


def test_a_probe_trains_as_a_frozen_network(digits, learnt, tmp_path):
    given = {"weights": learnt, **PLAIN}
    frozen = train_small(digits, freeze=True, out=tmp_path / "frozen", **given)
    probe = train_small(digits, transfer="probe", out=tmp_path / "probe", **given)
    ours, theirs = _history(probe), _history(frozen)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"):
        np.testing.assert_allclose(ours[name], theirs[name], 1e-4, 1e-6, name)
    for one, two in zip(probe.model.weights, frozen.model.weights, strict=True):
        np.testing.assert_allclose(
            *map(keras.ops.convert_to_numpy, (one, two)), 1e-3, 1e-5
        )
    assert all(layer.trainable for layer in probe.model.layers)


@pytest.mark.parametrize("way", ["finetune", "gradual"])
def test_a_run_equals_the_function_of_that_name(digits, learnt, tmp_path, way):
    given = {"weights": learnt, "transfer": way, **PLAIN}
    run = train_small(digits, out=tmp_path / "run", **given)
    recipe = given["recipe"]
    splits = data.load(digits, image_size=16, channels=3, batch_size=32, seed=5)
    model = build(
        "cifar_resnet20",
        blocks=1,
        width=4,
        input_shape=(16, 16, 3),
        classes=10,
        weights=str(learnt / "model.keras"),
    )
    # The function sets the rates of the stages itself.
    compile_model(model, recipe, len(splits.train), 10, fine_tunes=False)
    theirs = transfer_by(way)(
        model, splits.train, splits.validation, epochs=recipe.epochs, verbose=0
    )
    ours = _history(run)
    for name in ("loss", "val_loss", "val_accuracy"):
        np.testing.assert_allclose(ours[name], theirs.history[name], 1e-4, 1e-6, name)


def test_gradual_training_begins_with_the_head(digits, learnt, tmp_path):
    class Moved(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.before = [self._weights()]

        def on_epoch_end(self, epoch, logs=None):
            self.before.append(self._weights())

        def _weights(self):
            return {
                w.path: keras.ops.convert_to_numpy(w).copy() for w in self.model.weights
            }

    moved = Moved()
    train_small(
        digits,
        weights=learnt,
        transfer="gradual",
        recipe=RECIPE,
        epochs=5,
        out=tmp_path / "run",
        callbacks=[moved],
    )
    first, second, *_, last = (
        {path for path in before if not np.array_equal(before[path], after[path])}
        for before, after in zip(moved.before[:-1], moved.before[1:], strict=True)
    )
    assert first == {"head/kernel", "head/bias"}
    assert {path.partition("_")[0] for path in second - first} == {"stage3"}
    assert {"stem_conv/kernel", "head/kernel"} < last


def test_gradual_training_on_growing_images_keeps_its_schedule_when_resumed(
    digits, learnt, tmp_path
):
    # The last stage is added at epoch 4, and the images grow at epoch 5.
    sides = {"images.train_size": (12, 24)}
    given = {"weights": learnt, "transfer": "gradual", "recipe": RECIPE, "epochs": 6}
    with pytest.raises(Killed):
        train_small(
            digits,
            out=tmp_path,
            set=sides,
            callbacks=[KillAt(5, 2)],
            save_every=0,
            **given,
        )
    run = train_small(
        digits, resume=tmp_path, set=sides, callbacks=[KillAt(None)], **given
    )
    assert _history(run)["learning_rate"][-1] == pytest.approx(0, abs=1e-8)


def test_what_is_prepared_fits_the_recipe(digits, learnt):
    def prepared(transfer, recipe):
        small = {"model.blocks": 1, "model.width": 4, "images.size": 16}
        return prepare(
            "cifar_resnet20",
            digits,
            recipe.replace(small),
            seed=0,
            weights=learnt,
            freeze=False,
            transfer=transfer,
            class_names=None,
            devices=Devices(),
        )

    # Keras scales the loss by the policy of what it trains.
    probe = prepared("probe", RECIPE.replace({"precision": "float16"}))
    assert probe.trained.dtype_policy.name == "mixed_float16"
    assert prepared(None, RECIPE).fine_tunes
    by_depth = RECIPE.replace({"optimizer.layer_decay": 0.5})
    assert not prepared(None, by_depth).fine_tunes


def test_early_stopping_ends_gradual_training(digits, learnt, tmp_path):
    run = train_small(
        digits,
        weights=learnt,
        transfer="gradual",
        recipe=RECIPE,
        epochs=9,
        set={"stop.patience": 2, "optimizer.learning_rate": 1e-9},
        out=tmp_path / "run",
    )
    assert run.results["epochs"] == 3
    assert run.results["status"] == "finished"


def test_a_transfer_that_diverges_goes_back_once(digits, learnt, tmp_path):
    with pytest.raises(TrainingStopped, match="no longer a number"):
        train_small(
            digits,
            weights=learnt,
            transfer="gradual",
            recipe=RECIPE,
            set={"optimizer.learning_rate": 1e38, "optimizer.name": "sgd"},
            out=tmp_path / "run",
            save_every=0,
        )
    assert Run.open(tmp_path / "run").results["status"] == "diverged"


def test_a_probe_does_not_go_on_from_other_weights(digits, learnt, tmp_path):
    given = {"transfer": "probe", "recipe": RECIPE, "weights": tmp_path / "w.keras"}
    (tmp_path / "w.keras").write_bytes((learnt / "model.keras").read_bytes())
    folder = tmp_path / "run"
    with pytest.raises(Killed):
        train_small(digits, out=folder, callbacks=[KillAt(1, 3)], save_every=0, **given)
    model = Run.open(learnt).model
    model.layers[2].set_weights([w * 2 for w in model.layers[2].get_weights()])
    model.save(tmp_path / "w.keras")
    with pytest.raises(ValueError, match=r"data_digests\.features was"):
        train_small(digits, resume=folder, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "weights='default'"),
        ({"weights": "x", "freeze": True}, "Give one of them"),
        ({"weights": "x", "transfer": "prob"}, "Did you mean 'probe'"),
        ({"weights": "x", "set": {"mix.mixup": 0.2}}, "computes their features once"),
        ({"weights": "x", "set": {"recalibrate": 2}}, "does nothing with transfer"),
    ],
)
def test_what_does_not_fit_is_refused(digits, given, message):
    with pytest.raises(ValueError, match=message):
        train_small(digits, **{"transfer": "probe", **given})


def test_the_command(learnt, tmp_path, capsys):
    assert list(TRANSFERS) == ["probe", "finetune", "gradual"]
    command = ["train", "cifar_resnet20", "--transfer", "probe", "--epochs", "1"]
    assert main(command) == 2
    assert "--weights default" in capsys.readouterr().err
    main(
        [
            *command,
            *("--weights", str(learnt), "--image-size", "16"),
            *("--set", "blocks=1", "--set", "width=4", "--out", str(tmp_path / "run")),
        ]
    )
    assert "the head alone, on features" in capsys.readouterr().out
    run = Run.open(tmp_path / "run")
    assert run.config["arguments"]["transfer"] == "probe"
    assert run.config["recipe"]["augment"] is None
    assert find_recipe("cifar_resnet20", "digits", photographs=False).augment
