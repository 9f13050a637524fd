"""`cnnzoo profile`: what a model costs, in a terminal, as JSON and as a file."""

import csv
import json

import keras
import pytest

from keras_cnnzoo.cli.main import main

pytestmark = pytest.mark.once


def _printed(capsys, *arguments):
    capsys.readouterr()
    assert main(["profile", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_a_name_is_shown_layer_by_layer(capsys):
    shown = _printed(capsys, "lenet5", "--batch-size", 2)
    title, heading, *lines = shown.splitlines()
    assert title == "lenet5: 2 images of 32x32x1"
    assert heading.startswith("layer")
    assert lines[1].split()[:5] == ["c1", "Conv2D", "28x28x6", "156", "117,600"]
    assert "326,520 multiply-accumulates an image" in shown


def test_json_has_the_numbers_of_the_card(capsys):
    costs = json.loads(_printed(capsys, "lenet5", "--json"))
    shown = json.loads(_show(capsys))
    assert (costs["params"], costs["macs"]) == (shown["params"], shown["macs"])
    assert sum(row["macs"] for row in costs["rows"]) == costs["macs"]
    assert costs["rows"][1]["field"]["size"] == [5, 5]
    assert costs["memory"]["training"] > costs["memory"]["inference"] > 0


def _show(capsys):
    assert main(["show", "lenet5", "--json"]) == 0
    return capsys.readouterr().out


def test_another_size_costs_more(capsys):
    usual, large = (
        json.loads(_printed(capsys, "cifar_resnet20", "--json", *size))
        for size in ((), ("--input-size", 64, 64))
    )
    assert large["input_shape"] == [64, 64, 3]
    assert large["params"] == usual["params"]
    # All but the dense layer of 64 x 10 is convolutions.
    assert large["macs"] - 640 == 4 * (usual["macs"] - 640)


def test_a_file_of_somebodys_own(tmp_path, capsys):
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Conv2D(4, 3, name="conv"),
            keras.layers.GlobalAveragePooling2D(name="pool"),
        ],
        name="own",
    )
    model.save(tmp_path / "own.keras")
    target = tmp_path / "costs.csv"
    arguments = (tmp_path / "own.keras", "--input-size", 10, 12, "--csv", target)
    assert "own: 1 image of 10x12x3" in _printed(capsys, *arguments)
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == ["conv", "pool"]
    assert int(rows[0]["macs"]) == 8 * 10 * 4 * 27


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("lenet6", "Did you mean 'lenet5'"),
        ("gone.keras", "There is no file gone.keras"),
        ("runs/gone", "runs/gone is no run folder"),
        ("lenet5 --batch-size 0", "--batch-size is at least 1"),
        ("lenet5 --csv gone/costs.csv", "gone/costs.csv could not be written"),
        ("lenet5 --input-size 64", "expected 2 arguments"),
    ],
)
def test_a_mistake_is_answered_in_one_line(line, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["profile", *line.split()])
    except SystemExit as ended:  # argparse leaves by itself
        code = ended.code
    error = capsys.readouterr().err
    assert code == 2
    assert error.count("\n") == 1
    assert says in error
