"""`cnnzoo verify`: what it compares, what it keeps, and what it says."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_cnnzoo import verify
from keras_cnnzoo.cli.main import main
from keras_cnnzoo.verify import sweeping
from keras_cnnzoo.verify.sweeping import sweep

ANSWERS = Path(__file__).parents[1] / "references" / "answers"
pytestmark = pytest.mark.once


@pytest.fixture
def answers(tmp_path):
    """A folder with the answers of two small networks."""
    folder = tmp_path / "answers"
    folder.mkdir()
    for name in ("lenet1", "lenet5"):
        shutil.copy(ANSWERS / f"{name}.npz", folder)
    return folder


def _verify(answers, *arguments):
    return main(["verify", "lenet*", "--answers", str(answers), *map(str, arguments)])


def _rows(table):
    with table.open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def test_table_holds_a_row_for_each_and_json_says_the_same(answers, tmp_path, capsys):
    table = tmp_path / "table.csv"
    assert _verify(answers, "--table", table, "--json") == 0
    said = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    rows = _rows(table)
    assert set(rows) == set(said) == {"lenet1", "lenet5"}
    for name, row in rows.items():
        assert {key: str(value) for key, value in said[name].items()} == row
        assert float(row["logits"]) <= 1e-4


def test_changed_verifies_only_what_is_new(answers, tmp_path, capsys):
    table = tmp_path / "table.csv"
    assert _verify(answers, "--table", table) == 0
    assert "2 models equal" in capsys.readouterr().out
    assert _verify(answers, "--table", table, "--changed") == 0
    assert "0 models equal" in capsys.readouterr().out
    table.write_text(table.read_text().replace(_rows(table)["lenet1"]["digest"], "old"))
    assert _verify(answers, "--table", table, "--changed") == 0
    assert "lenet1 " in capsys.readouterr().out


def test_a_difference_is_told_and_the_others_are_kept(answers, tmp_path, capsys):
    with np.load(answers / "lenet1.npz") as file:
        kept = dict(file)
    name = next(key for key in kept if key.startswith("logits"))
    kept[name] = kept[name] + np.ptp(kept[name]) / 1000
    np.savez(answers / "lenet1.npz", **kept)
    table = tmp_path / "table.csv"
    assert _verify(answers, "--table", table) != 0
    printed = capsys.readouterr()
    assert "DIFFERS" in printed.out
    assert "1 of 2 cannot be compared, differ from their references" in printed.err
    assert printed.err.endswith("all images: lenet1.\n")
    assert set(_rows(table)) == {"lenet5"}


def test_one_that_fails_is_told_and_the_others_go_on(answers, tmp_path, capsys):
    with np.load(answers / "lenet1.npz") as file:
        kept = dict(file)
    about = json.loads(str(kept["about"]))
    about["shapes"].popitem()
    np.savez(answers / "lenet1.npz", **kept | {"about": json.dumps(about)})
    table = tmp_path / "table.csv"
    assert _verify(answers, "--table", table) != 0
    assert "FAILS    ValueError: " in capsys.readouterr().out
    assert set(_rows(table)) == {"lenet5"}


def test_several_processes_find_what_one_finds(answers, tmp_path, capsys):
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    assert _verify(answers, "--table", one) == 0
    assert _verify(answers, "--table", two, "--jobs", 2) == 0
    assert one.read_text() == two.read_text()
    assert "2/2" in capsys.readouterr().out
    assert _verify(answers, "--jobs", 0) != 0
    assert "at least 1. Received: 0" in capsys.readouterr().err


def test_processes_are_replaced(answers, monkeypatch):
    monkeypatch.setattr(sweeping, "_MODELS", 2)
    names = ["lenet5", "lenet1", "lenet5", "lenet1", "lenet5"]
    assert sorted(o.name for o in sweep(names, answers, jobs=2)) == sorted(names)


def test_dry_run_names_what_is_stale(answers, tmp_path, capsys):
    table = tmp_path / "table.csv"
    changed = ("--table", table, "--changed", "--dry-run")
    assert _verify(answers, *changed) == 0
    assert capsys.readouterr().out.split() == ["lenet5", "lenet1"]
    assert not table.exists()
    assert (
        main(["verify", "lenet1", "--answers", str(answers), *map(str, changed[:2])])
        == 0
    )
    capsys.readouterr()
    assert _verify(answers, *changed, "--json") == 0
    assert json.loads(capsys.readouterr().out) == ["lenet5"]


def test_answers_that_say_little_are_not_kept(answers, tmp_path, capsys):
    with np.load(answers / "lenet1.npz") as file:
        kept = dict(file)
    for name in kept:
        if name.startswith("logits"):
            kept[name] = np.stack([kept[name][0]] * 2)
    np.savez(answers / "lenet1.npz", **kept)
    found, _ = verify.verify("lenet1", answers)
    assert not found.telling
    table = tmp_path / "table.csv"
    assert _verify(answers, "--table", table) != 0
    assert set(_rows(table)) == {"lenet5"}


def test_what_cannot_be_compared_is_refused(answers, tmp_path, capsys):
    assert main(["verify", "nothing*", "--answers", str(answers)]) != 0
    assert "has no reference outputs" in capsys.readouterr().err
    assert _verify(answers, "--changed") != 0
    assert "--table" in capsys.readouterr().err
    table = tmp_path / "other.csv"
    table.write_text("a,b\n1,2\n")
    assert _verify(answers, "--table", table) != 0
    assert "no table of `cnnzoo verify`" in capsys.readouterr().err


def test_a_backbone_of_keras_needs_no_answers(tmp_path):
    name = "keras_mobilenetv3small"
    assert verify.verifiable([name], tmp_path) == [name]
    found, row = verify.verify(name, tmp_path)
    assert found.equal
    assert row.reference == "keras/MobileNetV3Small"
