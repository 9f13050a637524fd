"""A run from the data to the folder, what repeats, and how it ends early."""

import csv
import io
import json
import os

import keras
import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from sklearn import datasets, metrics

from keras_cnnzoo.data import AUGMENTATIONS, load
from keras_cnnzoo.training import (
    HistoryFile,
    KeepBest,
    Recipe,
    Run,
    TrainingStopped,
    evaluate,
    train,
)
from keras_cnnzoo.training.folder import read_images

SHORT = Recipe(epochs=2, batch_size=32, augment=AUGMENTATIONS["digits"])
LEARNT = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")


def _digits():
    raw = datasets.load_digits()
    images = (raw.images * 255 / 16).astype("uint8")
    return {
        "train": (images[:160], raw.target[:160]),
        "test": (images[160:260], raw.target[160:260]),
    }


def _train(folder, model="lenet5", **kwargs):
    return train(
        model,
        _digits(),
        out=folder,
        **{"recipe": SHORT, "console": Console(quiet=True)} | kwargs,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return _train(tmp_path_factory.mktemp("run"))


def _learnt(run):
    with (run.folder / "history.csv").open() as file:
        return [[row[name] for name in LEARNT] for row in csv.DictReader(file)]


def test_the_folder_holds_everything(run):
    assert {path.name for path in run.folder.iterdir()} == {
        *("model.keras", "history.csv", "config.json", "curves.png", "confusion.png")
    }
    for name in ("curves.png", "confusion.png"):
        with Image.open(run.folder / name) as picture:
            assert min(picture.size) > 400
            assert len(set(picture.convert("L").getdata())) > 50
    config = json.loads((run.folder / "config.json").read_text())
    assert config["seed"] == 0
    assert config["recipe"]["augment"]["rotate"] == SHORT.augment.rotate
    assert config["versions"]["keras"] == keras.__version__
    assert config["versions"]["numpy"] == np.__version__
    assert config["results"]["epochs"] == len(_learnt(run)) == 2


def test_a_run_opened_again_answers_as_before(run, tmp_path):
    again = Run.open(run.folder)
    test = load(_digits(), image_size=32, channels=1).test
    scores = evaluate(again.model, test)
    assert scores.accuracy == run.results["accuracy"]
    assert again.class_names == tuple("0123456789")
    # A file of an image goes the same way as the image in the data set.
    images, _ = test.ordered()[0]
    Image.fromarray(_digits()["test"][0][0]).save(tmp_path / "digit.png")
    read = read_images([tmp_path / "digit.png"], again.adapter)
    np.testing.assert_array_equal(read[0], images[0])


def test_a_notebook_shows_what_came_out(run):
    html = run._repr_html_()
    assert f"{run.results['accuracy']:.2%}" in html
    assert html.count('<img src="data:image/png;base64,') == 2
    assert html.count("<script") == 0
    going_on = Run(run.folder.parent, {**run.config, "results": None})
    assert "has not ended" in going_on._repr_html_()


def test_the_model_of_a_run_loads_where_only_layers_are_known(run):
    model = keras.saving.load_model(run.folder / "model.keras")
    assert not model.compiled


@pytest.mark.once
def test_the_plan_is_shown_first_and_written_down(tmp_path):
    text = io.StringIO()
    mine = tmp_path / "mine.toml"
    mine.write_text(
        """
        source = "a notebook"
        steps = 7
        [optimizer]
        name = "sgd"
        learning_rate = 0.05
        momentum = 0.9
        weight_decay = 1e-3
        [schedule]
        kind = "step"
        milestones = [0.5]
        """
    )
    run = _train(
        tmp_path / "run",
        recipe=mine,
        set={"schedule.warmup": 2, "pool": "max"},
        activation="relu",
        console=Console(file=text, width=200),
    )
    plan, _, rest = text.getvalue().partition("epoch 1/2")
    assert "validation loss" in rest
    lines = dict(line.split(maxsplit=1) for line in plan.splitlines())
    assert lines["model"].startswith("lenet5 (activation='relu', pool='max'), 60,806 ")
    assert lines["data"] == "arrays, 10 classes: 144 train, 16 validation, 100 test"
    assert lines["recipe"] == "mine: a notebook"
    assert lines["training"] == "2 epochs of 5 steps of 32 images, seed 0"
    assert lines["optimizer"].startswith(
        "sgd, learning rate 0.05, momentum 0.9, weight"
    )
    assert lines["schedule"] == "rises for 2 steps, times 0.1 at step 4"
    assert lines["run"] == str(run.folder)
    written = json.loads((run.folder / "config.json").read_text())["recipe"]
    # The file and every change are in it, so a run can be repeated from it alone.
    again = _train(tmp_path / "again", recipe=Recipe.from_dict(written))
    assert _learnt(again) == _learnt(run)
    rates = [float(row[-1]) for row in _learnt(run)]
    np.testing.assert_allclose(rates, [0.005, 0.005], rtol=1e-5)


@pytest.mark.once
@pytest.mark.parametrize("terminal", [{}, {"force_terminal": True}])
def test_what_is_no_terminal_gets_a_line_an_epoch(tmp_path, terminal):
    text = io.StringIO()  # as a file or a notebook, whatever is asked for
    shown = Console(file=text, width=200, **terminal)
    _train(tmp_path, "mlp", console=shown)
    lines = [line for line in text.getvalue().splitlines() if "epoch" in line]
    assert sum("validation loss" in line for line in lines) == 2


def test_a_reader_that_fails_leaves_the_model_as_it_was(run):
    def fails(images, rng):
        raise OSError("the disk is gone")

    test = load(_digits(), image_size=32, channels=1).test
    before = evaluate(run.model, test).numbers()
    broken = load(_digits(), image_size=32, channels=1, augment=fails).train
    broken.ordered = lambda: broken
    with pytest.raises(OSError, match="the disk is gone"):
        evaluate(run.model, broken)
    assert evaluate(run.model, test).numbers() == before


def test_one_seed_gives_one_history(run, tmp_path):
    assert _learnt(_train(tmp_path / "again")) == _learnt(run)
    assert _learnt(_train(tmp_path / "other", seed=1)) != _learnt(run)


def test_scores_are_those_of_scikit_learn(run):
    test = load(_digits(), image_size=32, channels=1).test
    scores = evaluate(run.model, test)
    images, labels = test.arrays()
    answers = np.asarray(run.model.predict(images, verbose=0), "float64")
    answers /= answers.sum(axis=1, keepdims=True)
    guessed, ten = answers.argmax(axis=1), range(10)
    assert scores.count == 100
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(labels, guessed))
    assert scores.top5 == metrics.top_k_accuracy_score(labels, answers, k=5, labels=ten)
    log_loss = metrics.log_loss(labels, answers, labels=ten)
    assert scores.loss == pytest.approx(log_loss, rel=1e-5)
    np.testing.assert_array_equal(
        scores.confusion, metrics.confusion_matrix(labels, guessed, labels=ten)
    )
    recalls = metrics.recall_score(labels, guessed, labels=ten, average=None)
    assert list(scores.per_class("0123456789").values()) == pytest.approx(recalls)


def test_a_head_is_trained_alone(run, tmp_path):
    start = run.folder / "model.keras"
    model = _train(tmp_path / "head", weights=start, freeze=True).model
    before = {w.path: w for w in run.model.weights}
    moved = {
        w.path
        for w in model.weights
        if not np.array_equal(*map(keras.ops.convert_to_numpy, (w, before[w.path])))
    }
    assert moved == {"head/kernel", "head/bias"}


def test_a_loss_that_is_no_number_ends_the_run(tmp_path):
    wild = {"optimizer.learning_rate": 1e30, "optimizer.weight_decay": 0.01}
    with pytest.raises(
        TrainingStopped, match=r"lower learning rate.*No model"
    ) as raised:
        _train(tmp_path, set=wild)
    assert raised.value.exit_code == 2
    assert raised.value.run.results["status"] == "diverged"
    assert not (tmp_path / "model.keras").exists()


def test_the_best_is_kept_and_nan_is_not(tmp_path):
    keep = KeepBest(tmp_path / "model.keras")
    keep.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    nan = float("nan")
    rows = [(0.5, 1.0), (0.8, 0.9), (0.8, 0.7), (0.8, 0.8), (0.9, nan), (0.7, 0.1)]
    for epoch, (accuracy, loss) in enumerate(rows):
        keep.model.set_weights([np.full((1, 1), epoch), np.zeros(1)])
        logs = {"loss": loss, "val_loss": loss, "val_accuracy": accuracy}
        keep.on_epoch_end(epoch, logs)
    assert keep.epoch == 3
    assert keras.saving.load_model(keep.path).get_weights()[0] == 2


def test_the_history_is_whole_after_every_epoch(tmp_path):
    history = HistoryFile(tmp_path / "history.csv")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    seen = []
    look = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: seen.append(history.path.read_text().count("\n"))
    )
    x = np.zeros((4, 1))
    model.fit(x, x, epochs=3, verbose=0, callbacks=[history, look])
    assert seen == [2, 3, 4]


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        _train(tmp_path, "mlp")
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_default_folders_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    short = Recipe(epochs=1)
    names = [str(_train(None, "mlp", recipe=short).folder) for _ in range(2)]
    assert names == [
        os.path.join("runs", "mlp-arrays-1"),
        os.path.join("runs", "mlp-arrays-2"),
    ]


def test_what_the_data_decide_cannot_be_set(tmp_path):
    with pytest.raises(TypeError, match="`classes` is decided by the data"):
        _train(tmp_path, classes=5)


def test_a_damaged_run_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"class_names": [')
    with pytest.raises(ValueError, match=r"config\.json is damaged"):
        Run.open(tmp_path)
