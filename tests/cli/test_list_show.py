"""`cnnzoo list` and `cnnzoo show`, and the catalogue that they read."""

import csv
import json
from pathlib import Path

import pytest

from keras_cnnzoo import card, catalogue, list_models, plugins
from keras_cnnzoo.catalogue import best_top1, recorded
from keras_cnnzoo.cli.main import main
from keras_cnnzoo.registry.entries import entry_of, stated

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
AGAIN = "cnnzoo list --record keras_cnnzoo/catalogue.json"


def _said(capsys, *arguments):
    assert main([*map(str, arguments)]) == 0
    return capsys.readouterr().out


def _rows(capsys, *arguments):
    return json.loads(_said(capsys, "list", *arguments, "--json"))


def test_the_catalogue_is_what_the_registry_states():
    kept = recorded()
    assert list(kept) == list_models(), AGAIN
    with (ROOT / "docs" / "verified.csv").open(newline="") as file:
        verified = {row["name"]: row["reference"] for row in csv.DictReader(file)}
    for name, entry in kept.items():
        for key, value in stated(card(name)).items():
            if value is not None or key not in ("params", "macs"):
                assert entry[key] == value, f"{name}, {key}: {AGAIN}"
        assert entry["verified"] == verified.get(name), f"{name}: {AGAIN}"
        assert entry["params"] > 0
        assert "stages" in entry


@pytest.mark.parametrize(
    "name", ["lenet5", "mlp", "resnet18", "keras_mobilenetv3small"]
)
def test_what_was_measured_for_the_catalogue_holds(name):
    measured = entry_of(card(name))
    assert {key: recorded()[name][key] for key in measured} == measured, AGAIN


def test_list_prints_names_for_pipes(capsys):
    assert _said(capsys, "list").splitlines() == list_models()
    assert _said(capsys, "list", "lenet5*").splitlines() == list_models("lenet5*")
    rows = _rows(capsys, "lenet5*")
    assert [row["name"] for row in rows] == list_models("lenet5*")
    assert rows[0]["year"] == 1998


def test_list_filters(capsys):
    everything = {row["name"]: row for row in _rows(capsys)}
    small = _rows(capsys, "--weights", "--max-params", "5M", "--max-macs", "0.3G")
    assert {row["name"] for row in small} == {
        name
        for name, row in everything.items()
        if row["weights"] and row["params"] <= 5e6 and row["macs"] <= 3e8
    }
    assert "mobilenet_v2" not in {
        row["name"] for row in _rows(capsys, "--task", "control")
    }
    assert {row["family"] for row in _rows(capsys, "--family", "vgg")} == {"vgg"}
    assert all(row["verified"] for row in _rows(capsys, "--verified"))
    named = _rows(capsys, "--source", "keras.applications")
    assert named
    assert all(row["name"].startswith("keras_") for row in named)
    assert main(["list", "nothing*"]) == 2
    assert "No model matches 'nothing*'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["list", "--max-params", "many"])
    assert "'many' is no number such as" in capsys.readouterr().err


def test_list_sorts(capsys):
    by_size = [row["params"] for row in _rows(capsys, "--sort", "params")]
    assert by_size == sorted(by_size)
    best = [row["top1"] for row in _rows(capsys, "resnet*", "--sort", "top1")]
    assert best[0] > best[1]
    known = [value for value in best if value is not None]
    assert known == sorted(known, reverse=True)
    assert best[: len(known)] == known
    names = _said(capsys, "list", "--sort", "year").splitlines()
    assert names[-1] != list_models()[-1]
    assert sorted(names) == sorted(list_models())


def test_list_is_a_table_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    said = _said(capsys, "list", "resnet50")
    assert "25.6M" in said
    assert "4.09G" in said
    assert "224x224x3" in said
    assert "torchvision/resnet50" in said
    assert "1 model. " in said


def test_the_best_claim_counts_errors_as_what_is_left():
    claims = [
        {"metric": "ImageNet validation top-1 error, %, 1 crop", "value": 24.7},
        {"metric": "ImageNet val top-5 accuracy %", "value": 99.0},
        {"metric": "CIFAR-10 top-1 accuracy %", "value": 98.0},
    ]
    weights = [{"claims": [{"metric": "ImageNet val top-1 accuracy %", "value": 74.0}]}]
    assert best_top1({"claims": claims, "weights": weights}) == 75.3
    assert best_top1({"claims": [], "weights": []}) is None


def test_show_prints_the_card(capsys):
    shown = json.loads(_said(capsys, "show", "lenet5", "--json"))
    assert (shown["params"], shown["macs"]) == (60_850, 326_520)
    assert shown["stages"][0] == {"name": "c1", "stride": 1, "channels": 6}
    said = _said(capsys, "show", "lenet5")
    assert "60,850 trainable" in said
    assert "Gradient-Based Learning" in said
    # Options are written as `build` takes them.
    assert "blocks = (3, 4, 6, 3)" in _said(capsys, "show", "resnet50")
    assert main(["show", "resnt50"]) == 2
    assert "Did you mean 'resnet50'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "why", ["plugin", "another Keras", "channels_first", "no file"]
)
def test_the_registry_answers_what_the_catalogue_cannot(
    why, capsys, monkeypatch, tmp_path
):
    before = _rows(capsys, "resnet50")
    if why == "plugin":
        monkeypatch.setattr(plugins, "points", lambda: ("a plugin",))
    elif why == "another Keras":
        monkeypatch.setattr(catalogue, "backbones", lambda: "others")
    elif why == "no file":
        monkeypatch.setattr(catalogue, "FILE", tmp_path / "none.json")
    else:
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first"}')
    assert catalogue.read() is None
    after = _rows(capsys, "resnet50")
    if why == "no file":
        before[0]["verified"] = None
    assert after == before
