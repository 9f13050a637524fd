"""`cnnzoo bench`: how fast images are read, as a table and as JSON."""

import json

import pytest
from PIL import Image

from keras_cnnzoo.cli import bench_data
from keras_cnnzoo.cli.main import main

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    """Measure hardly anything, and as little."""
    monkeypatch.setattr(bench_data, "ROUNDS", 2)
    monkeypatch.setattr(bench_data, "IMAGES", 8)
    monkeypatch.setattr(bench_data, "MADE", 8)


def test_readers_are_measured_on_files_of_its_own(capsys):
    assert main(["bench", "data", "--image-size", "32", "--feed", "100", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["images"], result["image_size"], result["feed"]) == (8, 32, 100)
    assert 60 < result["kilobytes_an_image"] < 200
    names = [reader["name"] for reader in result["readers"]]
    assert names[:3] == ["keras_cnnzoo", "tf.data", "Keras"]
    assert set(names) | set(result["absent"]) >= set(bench_data.READERS)
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

    monkeypatch.setitem(bench_data.READERS, "torchvision", absent)
    monkeypatch.delitem(bench_data.READERS, "tf.data")
    assert main(["bench", "data", str(photographs), "--batch-size", "2"]) == 0
    shown = capsys.readouterr().out
    assert "4 JPEG files" in shown
    assert "cores for 2,000/s" in shown
    assert "keras_cnnzoo: random crop, resized with antialiasing" in shown
    assert "torchvision is left out: not installed here" in shown


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
        (["dta"], "nothing named 'dta' to measure; there is: data"),
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
