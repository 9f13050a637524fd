"""Runs beside each other, with those that are not whole."""

import csv
import io
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from sklearn import datasets

from keras_cnnzoo.cli.main import main
from keras_cnnzoo.training import Run, compare_runs, plot_runs

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs that are whole, and copies that are not."""
    home = tmp_path_factory.mktemp("compared")
    raw = datasets.load_digits()
    images = (raw.images * 255 / 16).astype("uint8")
    np.savez(
        home / "tiny.npz",
        x_train=images[:120],
        y_train=raw.target[:120],
        x_test=images[120:170],
        y_test=raw.target[120:170],
    )
    train = f"train mlp --data {home / 'tiny.npz'} --set hidden=[32] --out {home}/runs"
    assert main(f"{train}/mlp-2 --epochs 2".split()) == 0
    assert main(f"{train}/mlp-10 --epochs 3 --learning-rate 0.01".split()) == 0
    config = json.loads((home / "runs" / "mlp-2" / "config.json").read_text())
    for name in ("killed", "hopeless", "no config", "no model", "no history"):
        shutil.copytree(home / "runs" / "mlp-2", home / name)
    (home / "killed" / "config.json").write_text(json.dumps(config | {"results": None}))
    (home / "hopeless" / "config.json").write_text(
        json.dumps(config | {"results": {"status": "diverged", "epochs": 0}})
    )
    (home / "hopeless" / "history.csv").unlink()
    (home / "hopeless" / "model.keras").unlink()
    (home / "no config" / "config.json").write_text('{"class_names": [')
    model = (home / "no model" / "model.keras").read_bytes()
    (home / "no model" / "model.keras").write_bytes(model[: len(model) // 2])
    (home / "no history" / "history.csv").write_text("epoch,loss\n1,many\n")
    return home


def test_what_differs_and_what_came_out(runs):
    first, second = compare_runs([runs / "runs"])
    # In the order of their numbers, not of their letters.
    assert first.folder.endswith("mlp-2")
    for found in (first, second):
        run = Run.open(found.folder)
        assert found.status == "finished"
        assert found.accuracy == run.results["accuracy"]
        assert found.best_epoch == run.results["best_epoch"]
        assert found.validation_accuracy == run.results["validation_accuracy"]
        assert found.epochs == found.planned_epochs == run.results["epochs"]
        assert found.parameters == run.model.count_params()
        assert found.seconds == run.results["seconds"]
        assert (found.seed, found.split) == (0, "test")
    assert first.differences == {"optimizer.learning_rate": 0.001}
    assert second.differences == {"optimizer.learning_rate": 0.01}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("killed", "unfinished"),
        ("hopeless", "diverged"),
        ("no config", "damaged: .*config.json is damaged"),
        ("no model", "damaged: .*model.keras"),
        ("no history", "damaged: could not convert string to float"),
    ],
)
def test_what_is_not_whole_is_said_so(runs, name, status):
    whole, other = compare_runs([runs / "runs" / "mlp-2", runs / name])
    assert whole.status == "finished"
    assert whole.differences == {}
    assert re.match(status, other.status), other.status
    if name == "killed":
        assert other.epochs == 2
        assert other.validation_accuracy == whole.validation_accuracy
        assert other.accuracy is None


def test_a_picture_and_a_notebook_show_them(runs):
    found = compare_runs([runs / "runs", runs / "hopeless"])
    axes = plot_runs(found, title="two runs").axes[0]
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == ["mlp-2", "mlp-10"]
    best = [line.get_xydata()[0].tolist() for line in axes.lines[1::2]]
    assert best == [[run.best_epoch, run.validation_accuracy] for run in found[:2]]
    html = found._repr_html_()
    assert "optimizer.learning_rate=0.01" in html
    assert "diverged" in html


def test_the_command_prints_a_table_and_draws(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(["compare", str(runs / "runs"), str(runs / "killed")]) == 0
    shared, heading, *rows, drawn = capsys.readouterr().out.splitlines()
    assert shared.startswith("all runs: model mlp, data tiny.npz")
    assert heading.split()[:2] == ["run", "differences"]
    assert len(rows) == 3
    assert "optimizer.learning_rate=0.001" in rows[0]
    assert rows[2].endswith("unfinished")
    assert drawn.startswith("runs.png: ")
    with Image.open("runs.png") as picture:
        assert min(picture.size) > 400


def test_the_command_prints_json_or_csv_alone(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(["compare", str(runs / "runs"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows == [run.to_dict() for run in compare_runs([runs / "runs"])]
    assert main(["compare", str(runs / "runs"), "--csv"]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["optimizer.learning_rate"] for row in table] == ["0.001", "0.01"]
    assert [float(row["accuracy"]) for row in table] == [r["accuracy"] for r in rows]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("gone", "gone is no run folder and has none in it"),
        ("{runs}/hopeless", "none of the runs has finished an epoch"),
        ("{runs}/runs --json --csv", "not both"),
    ],
)
def test_mistakes_are_one_line(runs, line, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(["compare", *line.format(runs=runs).split()]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
