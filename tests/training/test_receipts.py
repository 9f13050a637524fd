"""What a training reached is written down, with what made it so."""

import dataclasses
import json
from pathlib import Path

import keras
import pytest

from keras_cnnzoo.cli.main import main
from keras_cnnzoo.training import list_recipes, receipts
from keras_cnnzoo.training.folder import Run

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Train twice by the command, and return the table and the last run."""
    folder = tmp_path_factory.mktemp("receipts")
    table = folder / "receipts.csv"
    words = ["train", "lenet5", "--epochs=1", "--batch-size=256", f"--record={table}"]
    for seed in (2, 1):
        out = folder / str(seed)
        with pytest.MonkeyPatch.context() as patch:
            given = [*words, f"--out={out}", f"--seed={seed}"]
            patch.setattr("sys.argv", ["/bin/cnnzoo", *given])
            assert main(given) in (None, 0)
    return table, Run.open(out)


def test_a_receipt_has_everything(recorded):
    table, run = recorded
    first, second = receipts.receipts(table)
    assert (first.seed, second.seed) == (1, 2)
    assert first.accuracy == round(100 * run.results["accuracy"], 2)
    assert first.recipe == "digits"
    assert first.model == "lenet5"
    assert first.images == "355 test"
    assert first.epochs == 1
    assert first.seconds > 0
    assert f"{keras.backend.backend()} " in first.versions
    assert f"keras {keras.__version__}" in first.versions
    assert first.date == run.config["began"][:10]
    assert first.command == "cnnzoo train lenet5 --epochs=1 --batch-size=256 --seed=1"


def test_the_same_command_replaces_its_receipt(recorded, tmp_path):
    table, run = recorded
    again = tmp_path / "again.csv"
    again.write_bytes(table.read_bytes())
    results = {**run.results, "accuracy": 0.5}
    receipts.record_receipt(again, Run(run.folder, {**run.config, "results": results}))
    assert [r.accuracy for r in receipts.receipts(again) if r.seed == 1] == [50]
    assert len(receipts.receipts(again)) == 2


def test_folders_and_what_stands_aside_are_left_out(recorded, tmp_path):
    _, run = recorded
    (tmp_path / "photos").mkdir()
    photos = str(tmp_path / "photos")
    for data in (["--data", photos], [f"--data={photos}"]):
        words = ["/x/__main__.py", "train", *data]
        command = [*words, "--out", "a", "--save-every", "3", "--record", "t.csv"]
        receipt = receipts.Receipt.of(
            Run(run.folder, {**run.config, "command": command})
        )
        plain = " ".join(data).replace(photos, "photos")
        assert receipt.command == f"cnnzoo train {plain}"


def test_what_is_no_receipt_is_refused(recorded, tmp_path, capsys):
    _, run = recorded
    with pytest.raises(ValueError, match="has no results"):
        receipts.Receipt.of(Run(run.folder, {**run.config, "results": None}))
    unnamed = {**run.config["recipe"], "name": ""}
    with pytest.raises(ValueError, match="has no name"):
        receipts.Receipt.of(Run(run.folder, {**run.config, "recipe": unnamed}))
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    words = ["train", "lenet5", "--record", str(other), "--out", str(tmp_path / "run")]
    assert main(words) == 2
    assert "is no table of results" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_our_receipts_are_of_our_recipes():
    for receipt in receipts.receipts():
        assert receipt.recipe in list_recipes()
        assert f"--seed {receipt.seed}" in receipt.command
        assert "/" not in receipt.command


def test_the_guide_has_our_receipts():
    guide = Path(__file__).parents[2] / "docs" / "training.md"
    rows = guide.read_text("utf-8").splitlines()
    for receipt in receipts.receipts():
        numbers = f"{receipt.accuracy:.2f} | {receipt.epochs} | {receipt.seed} |"
        time = f"{receipt.seconds / 60:.0f} min"
        parts = (f"`{receipt.recipe}`", f"`{receipt.model}`", numbers, time)
        assert any(all(part in row for part in parts) for row in rows), receipt


def test_a_recipe_shows_its_receipts(recorded, monkeypatch, capsys):
    table, _ = recorded
    known = receipts.receipts(table)
    monkeypatch.setattr(receipts, "receipts", lambda path=None: known)
    main(["recipes", "digits"])
    text = capsys.readouterr().out
    assert f"# Reached by keras-cnnzoo: lenet5 {known[0].accuracy:.2f} %" in text
    main(["recipes", "digits", "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert shown["receipts"] == [dataclasses.asdict(r) for r in known]
