"""What `cnnzoo evaluate` prints, draws and writes of a model."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

from keras_cnnzoo.cli.main import main
from keras_cnnzoo.data import load
from keras_cnnzoo.training import Run

pytestmark = pytest.mark.once


def _fields(home, counts, rng):
    """Draw dark fields and light moors, in a folder each."""
    for place, (name, count) in enumerate(counts.items()):
        (home / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 110, (20, 20, 3)) + 60 * place
            file = home / name / f"{name}{number}.png"
            Image.fromarray(pixels.astype("uint8")).save(file)
    return home


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    rng = np.random.default_rng(0)
    home = _fields(
        tmp_path_factory.mktemp("data") / "land", {"field": 40, "moor": 40}, rng
    )
    folder = tmp_path_factory.mktemp("runs") / "land"
    arguments = f"train mlp --data {home} --epochs 10 --learning-rate 0.01"
    assert main([*arguments.split(), "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def land(tmp_path_factory):
    """Images of which three, moor0.png to moor2.png, are labelled wrong."""
    rng = np.random.default_rng(1)
    home = tmp_path_factory.mktemp("more") / "land"
    _fields(home / "test", {"field": 20, "moor": 20}, rng)
    for number in range(3):
        wrong = home / "test" / "moor" / f"moor{number}.png"
        wrong.rename(home / "test" / "field" / wrong.name)
    return home


def _answer(capsys, *arguments):
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def _truth(run, land):
    opened = Run.open(run)
    size = opened.adapter.size
    images = load(str(land), image_size=size, channels=1, fit=opened.adapter).test
    given, labels = images.arrays()
    return labels, np.asarray(opened.model.predict(given, verbose=0), "float64")


def test_json_has_all_scores(run, land, capsys):
    answer = _answer(capsys, "evaluate", run, "--data", land, "--specificity", "0.9")
    labels, probabilities = _truth(run, land)
    guessed = probabilities.argmax(axis=1)
    report = metrics.classification_report(
        labels, guessed, target_names=["field", "moor"], output_dict=True
    )
    for name in ("field", "moor"):
        found, expected = answer["classes"][name], report[name]
        for ours, theirs in (("precision",) * 2, ("recall",) * 2, ("f1", "f1-score")):
            assert found[ours] == pytest.approx(expected[theirs], rel=1e-9)
        assert found["support"] == expected["support"]
        assert answer["per_class"][name] == found["recall"]
    assert answer["macro_f1"] == pytest.approx(report["macro avg"]["f1-score"])
    area = metrics.roc_auc_score(labels, probabilities[:, 1])
    assert answer["auc"] == pytest.approx(area, abs=1e-6)
    assert sum(each["count"] for each in answer["calibration"]) == 40
    found = answer["sensitivity"]
    assert found["class"] == "moor"
    positive = probabilities[:, 1] >= found["threshold"] - 1e-6
    assert (~positive[labels == 0]).mean() == pytest.approx(found["specificity"])
    assert found["specificity"] >= 0.9
    assert positive[labels == 1].mean() == pytest.approx(found["sensitivity"])


def test_a_table_by_class_on_request(run, land, capsys):
    arguments = ["evaluate", str(run), "--data", str(land)]
    assert main(arguments) == 0
    short = capsys.readouterr().out
    assert "AUC" in short
    assert "expected error" in short
    assert "precision" not in short
    assert main([*arguments, "--per-class", "--specificity", "0.95"]) == 0
    long = capsys.readouterr().out
    assert re.search(r"^class +images +precision +recall +F1 ", long, re.M)
    assert re.search(r"^field +23 +\d+\.\d\d%", long, re.M)
    assert re.search(r"^weighted average ", long, re.M)
    assert re.search(
        r"^sensitivity \d+\.\d\d% to moor at a specificity of ", long, re.M
    )


def test_figures_are_drawn(run, land, tmp_path, capsys):
    folder = tmp_path / "new" / "figures"
    arguments = ["evaluate", run, "--data", land, "--figures", folder]
    assert main([*map(str, arguments)]) == 0
    assert str(folder) in capsys.readouterr().out
    drawn = {path.name for path in folder.iterdir()}
    assert drawn == {"confusion.png", "reliability.png", "roc.png"}
    for path in folder.iterdir():
        with Image.open(path) as picture:
            assert min(picture.size) > 400


def test_a_page_of_what_is_wrong(run, land, tmp_path, capsys):
    page = tmp_path / "worst.html"
    arguments = ("evaluate", run, "--data", land, "--worst", 5, "-o", page)
    answer = _answer(capsys, *arguments)
    found = answer["mistakes"]
    assert len(found["worst"]) <= 5
    first = found["label_errors"][0]
    assert re.search(r"field/moor[012]\.png$", first["image"])
    assert (first["label"], first["predicted"]) == ("field", "moor")
    assert first["label_probability"] < first["predicted_probability"]
    text = page.read_text()
    assert f"{Path(first['image']).name}</p>" in text
    assert text.count("<img") == len(found["worst"]) + len(found["label_errors"])
    assert "<script" not in text
    assert "trained on these images" not in text
    # The second writing replaces the first.
    assert main([*map(str, arguments)]) == 0
    assert f"{page}: " in capsys.readouterr().out


def test_images_of_the_training_are_said_to_be(run, tmp_path):
    page = tmp_path / "worst.html"
    arguments = ("evaluate", run, "--split", "train", "--worst", 3, "-o", page)
    assert main([*map(str, arguments)]) == 0
    assert "trained on these images" in page.read_text()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--worst 0", "--worst is at least 1"),
        ("--worst 3 -o gone/worst.html", "There is no folder gone"),
        ("--specificity 95", "from 0 to 1. Received: 95"),
    ],
)
def test_mistakes_are_one_line(run, line, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(["evaluate", str(run), *line.split()]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
