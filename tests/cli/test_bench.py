"""`cnnzoo bench`: how fast networks are and images are read, in each format."""

import csv
import io
import json

import pytest
from PIL import Image

from keras_cnnzoo.bench import reading, turns
from keras_cnnzoo.cli.main import main

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    """Measure hardly anything, and as little."""
    monkeypatch.setattr(reading, "ROUNDS", 2)
    monkeypatch.setattr(reading, "IMAGES", 8)
    monkeypatch.setattr(reading, "MADE", 8)


def test_readers_are_measured_on_files_of_its_own(capsys):
    assert main(["bench", "data", "--image-size", "32", "--feed", "100", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["images"], result["image_size"], result["feed"]) == (8, 32, 100)
    assert 60 < result["kilobytes_an_image"] < 200
    names = [reader["name"] for reader in result["readers"]]
    assert names[:3] == ["keras_cnnzoo", "tf.data", "Keras"]
    assert set(names) | set(result["absent"]) >= set(reading.READERS)
    for reader in result["readers"]:
        assert reader["cpu_ms"] > 0
        a_core = reader["images_per_second_a_core"]
        assert a_core == pytest.approx(1e3 / reader["cpu_ms"])
        assert (reader["cores_to_feed"] - 1) * a_core < 100
        assert reader["cores_to_feed"] * a_core >= 100


def test_a_table_says_what_each_does_and_who_is_missing(
    photographs, capsys, monkeypatch
):
    def absent(folder, image_size, batch_size):
        raise ImportError("not installed here")

    monkeypatch.setitem(reading.READERS, "torchvision", absent)
    monkeypatch.delitem(reading.READERS, "tf.data")
    assert main(["bench", "data", str(photographs), "--batch-size", "2"]) == 0
    shown = capsys.readouterr().out
    assert "4 JPEG files" in shown
    assert "cores for 2,000/s" in shown
    assert "keras_cnnzoo: random crop, resized with antialiasing" in shown
    assert "torchvision is left out: not installed here" in shown


@pytest.fixture
def _quick(monkeypatch):
    """Measure networks by few steps."""
    monkeypatch.setattr(turns, "AT_LEAST", 1e-9)


NETWORK = ["bench", "mlp", "--batch-size", "2", "--rounds", "2"]


@pytest.mark.usefixtures("_quick")
def test_networks_as_json_and_csv(capsys):
    assert main([*NETWORK, "--image-size", "28", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["batch_size"] == 2
    assert [row["step"] for row in result["rows"]] == ["forward", "training"]
    assert main([*NETWORK, "--csv"]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(table[0]) == list(result["rows"][0])
    assert float(table[1]["images_per_second"]) > 0


@pytest.mark.usefixtures("_quick")
def test_networks_as_a_table(capsys):
    assert main([*NETWORK, "--beside", "keras"]) == 0
    title, heading, forward, training, *below = capsys.readouterr().out.splitlines()
    assert title.startswith("2 images a step, float32, torch, on ")
    assert heading.split()[:4] == ["network", "step", "ms", "noise"]
    assert forward.split()[:2] == ["mlp", "forward"]
    assert training.split()[-1] == "1.00"
    assert "GFLOP/s" in below[1]
    assert below[2].startswith("mlp of Keras Applications is left out: ")


@pytest.fixture
def photographs(tmp_path):
    for number in range(4):
        path = tmp_path / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (60, 50)).save(path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lenet55"], "No model is named 'lenet55'. Did you mean 'lenet5'"),
        (["lenet5", "data"], "Measure networks and `data` by a command each"),
        (["lenet5", "--feed", "3"], "--feed is an option of `data`"),
        (["data", "--rounds", "3"], "--rounds is an option of networks"),
        (["lenet5", "--rounds", "0"], "--rounds is at least 1. Received: 0"),
        (["lenet5", "--batch-size", "9999999"], "Choose a smaller --batch-size"),
        (["lenet5", "--precision", "int8"], "--precision is one of float32"),
        (["lenet5", "--beside", "tim"], "no library 'tim' to measure beside"),
        (["lenet5", "--json", "--csv"], "Give --json or --csv, not both"),
        (["data", "a", "b"], "One folder is read at a time. Received: 2"),
        (["data", "nowhere"], "must hold a folder of JPEG files for each class"),
    ],
)
def test_what_cannot_be_measured_is_one_line(arguments, says, capsys):
    assert main(["bench", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert says in error


def test_other_files_are_named(photographs, capsys):
    Image.new("RGB", (60, 50)).save(photographs / "a" / "one.png")
    assert main(["bench", "data", str(photographs)]) == 2
    assert "one.png" in capsys.readouterr().err
