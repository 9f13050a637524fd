"""A run that ended at any moment goes on as if it had never ended."""

import csv
import errno
import functools
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from small_training import KillAt, Killed, assert_same_weights, train_small

from keras_cnnzoo.data import AUGMENTATIONS
from keras_cnnzoo.training import Recipe, Run, TrainingStopped, checkpoints, train
from keras_cnnzoo.training.checkpoints import Checkpoint, newest

RECIPE = Recipe(epochs=3, batch_size=32, augment=AUGMENTATIONS["digits"])


def _train(data, folder, **kwargs):
    return train_small(data, **{"out": folder, "recipe": RECIPE} | kwargs)


def _resume(data, folder, **kwargs):
    return train_small(data, **{"resume": folder, "recipe": RECIPE} | kwargs)


def _history(folder):
    with (folder / "history.csv").open() as file:
        return [
            {name: value for name, value in row.items() if name != "seconds"}
            for row in csv.DictReader(file)
        ]


def _assert_same(folder, whole):
    assert _history(folder) == _history(whole.folder)
    run = Run.open(folder)
    assert_same_weights(run.model, whole.model)
    timed = ("seconds", "notes")
    for name, value in whole.results.items():
        assert name in timed or run.results[name] == value


@pytest.fixture(scope="module")
def whole(digits, tmp_path_factory):
    return _train(digits, tmp_path_factory.mktemp("whole"))


@pytest.mark.once
@pytest.mark.parametrize(
    ("epoch", "step", "save_every"),
    [(0, 4, 0), (0, 4, None), (1, 0, 0), (1, None, 0), (2, 3, 0), (2, None, None)],
)
def test_a_killed_training_ends_as_an_undisturbed_one(
    digits, whole, tmp_path, epoch, step, save_every
):
    kill = KillAt(epoch, step)
    with pytest.raises(Killed):
        _train(digits, tmp_path, callbacks=[kill], save_every=save_every)
    _resume(digits, tmp_path, callbacks=[KillAt(None)])
    _assert_same(tmp_path, whole)
    assert not (tmp_path / "checkpoints").exists()


def test_several_kills_change_nothing(digits, whole, tmp_path):
    go = _train
    # Steps count from where a training goes on.
    for epoch, step in ((0, 3), (1, 0), (1, 2), (2, 1)):
        with pytest.raises(Killed):
            go(digits, tmp_path, callbacks=[KillAt(epoch, step)], save_every=0)
        go = _resume
    _resume(digits, tmp_path, callbacks=[KillAt(None)])
    _assert_same(tmp_path, whole)


@pytest.mark.once
def test_a_kill_while_a_checkpoint_is_written_loses_that_one_alone(
    digits, whole, tmp_path, monkeypatch
):
    write = Checkpoint.write
    left = iter(range(7))

    def killed(self, folder):
        if next(left, None) is None:
            (folder / ".epoch00000.partial.safetensors").write_bytes(b"\0" * 99)
            raise Killed
        return write(self, folder)

    monkeypatch.setattr(Checkpoint, "write", killed)
    with pytest.raises(Killed):
        _train(digits, tmp_path, save_every=0)
    monkeypatch.undo()
    _resume(digits, tmp_path)
    _assert_same(tmp_path, whole)


@pytest.mark.once
def test_a_full_disk_ends_a_training_that_goes_on_later(
    digits, whole, tmp_path, monkeypatch
):
    write = checkpoints.save_file
    left = iter(range(7))

    def full(arrays, path, metadata):
        if next(left, None) is None:
            path.write_bytes(b"a part of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(arrays, path, metadata)

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(OSError, match=r"could not be written.*No space left"):
        _train(digits, tmp_path, save_every=0)
    monkeypatch.undo()
    assert len([*(tmp_path / "checkpoints").iterdir()]) == 3
    _resume(digits, tmp_path)
    _assert_same(tmp_path, whole)


@pytest.mark.once
@pytest.mark.parametrize("end", [0.2, 1.0])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(digits, whole, tmp_path, end):
    with pytest.raises(Killed):
        _train(digits, tmp_path, callbacks=[KillAt(1, 4)], save_every=0)
    last = max((tmp_path / "checkpoints").iterdir())
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes(content[: int(len(content) * end)])
    with pytest.warns(UserWarning, match="damaged"):
        _resume(digits, tmp_path, callbacks=[KillAt(None)])
    _assert_same(tmp_path, whole)


@pytest.mark.once
@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 75)])
def test_a_signal_leaves_a_checkpoint_of_that_step(
    digits, whole, tmp_path, number, code
):
    class Signal(KillAt):
        def on_train_batch_begin(self, batch, logs=None):
            if (self.epoch, batch) == self.at:
                os.kill(os.getpid(), signal.Signals[number])

    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(TrainingStopped, match=f"--resume {tmp_path}") as stopped:
        _train(digits, tmp_path, callbacks=[Signal(1, 3)], save_every=1e9)
    assert stopped.value.exit_code == code
    assert stopped.value.run.results["status"] == "interrupted"
    place = newest(tmp_path / "checkpoints").place
    assert (place.epoch, place.step) in [(1, 3), (1, 4), (2, 0)]
    assert handlers == [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    _resume(digits, tmp_path, callbacks=[KillAt(None)])
    _assert_same(tmp_path, whole)


@pytest.mark.once
def test_early_stopping_remembers_how_long_it_waited(digits, tmp_path):
    recipe = {"set": {"stop.patience": 2, "optimizer.learning_rate": 1e-9}}
    whole = _train(digits, tmp_path / "whole", epochs=9, **recipe)
    assert 2 < whole.results["epochs"] < 9
    with pytest.raises(Killed):
        _train(
            digits,
            tmp_path / "killed",
            epochs=9,
            callbacks=[KillAt(2, 3)],
            save_every=0,
            **recipe,
        )
    _resume(digits, tmp_path / "killed", epochs=9, callbacks=[KillAt(None)], **recipe)
    _assert_same(tmp_path / "killed", whole)


@pytest.mark.once
def test_what_changed_is_named(digits, tmp_path):
    with pytest.raises(Killed):
        _train(digits, tmp_path, callbacks=[KillAt(1, 4)])
    others = {**digits, "train": (digits["train"][0][::-1], digits["train"][1])}
    for data, given, message in (
        (digits, {"epochs": 4}, "recipe.epochs was 3 and is 4"),
        (digits, {"seed": 6}, "seed was 5 and is 6"),
        (digits, {"width": 5}, "recipe.model.width was 4 and is 5"),
        (others, {}, "data_digests"),
    ):
        with pytest.raises(ValueError, match=message):
            _resume(data, tmp_path, **given)
    with pytest.raises(ValueError, match="trained on arrays"):
        train(resume=tmp_path)
    with pytest.raises(ValueError, match="no run folder"):
        train(resume=tmp_path / "nowhere")
    with pytest.raises(TypeError, match="`name` is missing"):
        train()
    with pytest.raises(TypeError, match="Leave out `epochs`"):
        train(resume=tmp_path, epochs=4)


@pytest.mark.once
def test_a_finished_run_has_nothing_left(whole):
    with pytest.raises(ValueError, match="is finished"):
        train(resume=whole.folder)


def test_a_loss_that_is_no_number_goes_back_once_with_a_lower_rate(digits, tmp_path):
    class Poison(keras.callbacks.Callback):
        """Puts NaN into the weights once."""

        poisoned = False

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1 and not Poison.poisoned:
                Poison.poisoned = True
                kernel = self.model.trainable_weights[0]
                kernel.assign(np.full(kernel.shape, np.nan))

    run = _train(digits, tmp_path, callbacks=[Poison()], save_every=0)
    assert run.results["status"] == "finished"
    assert "with 0.1 of the learning rate" in run.results["notes"][0]
    assert all(np.isfinite(float(row["loss"])) for row in _history(tmp_path))
    assert run.config["rate"] == 0.1


@pytest.mark.once
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.skipif(keras.backend.backend() != "torch", reason="its threads would hang")
@pytest.mark.filterwarnings("ignore:.*fork:")
def test_a_process_killed_five_times_ends_as_an_undisturbed_one(
    digits, whole, tmp_path
):
    def start(go):
        target = functools.partial(go, digits, tmp_path, save_every=0)
        process = multiprocessing.get_context("fork").Process(target=target)
        process.start()
        return process

    rng = random.Random(1)
    for kill in range(5):
        process = start(_resume if kill else _train)
        _wait_for_checkpoints(tmp_path, process, rng.randint(1, 4))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    _resume(digits, tmp_path)
    _assert_same(tmp_path, whole)


def _wait_for_checkpoints(folder: Path, process, count):
    """Wait until a process has written some checkpoints."""
    seen = {path.name for path in folder.glob("checkpoints/epoch*")}
    new = set()
    while len(new) < count and process.is_alive():
        time.sleep(0.005)
        new |= {path.name for path in folder.glob("checkpoints/epoch*")} - seen
