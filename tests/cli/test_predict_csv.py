"""A folder of images, predicted into a table."""

import csv
import io
import json

import keras
import pytest
from PIL import Image

from keras_cnnzoo.cli import images as reading
from keras_cnnzoo.cli.main import main

pytestmark = pytest.mark.once


@pytest.fixture
def model(tmp_path):
    layers = [
        keras.Input((8, 8, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(7, "softmax"),
    ]
    path = tmp_path / "model.keras"
    keras.Sequential(layers).save(path)
    return path


@pytest.fixture
def photos(tmp_path, rng):
    home = tmp_path / "photos"
    (home / "more").mkdir(parents=True)
    for name in ("a, b.png", "c.png", "more/d.png"):
        pixels = rng.integers(0, 256, (8, 8, 3), "uint8")
        Image.fromarray(pixels).save(home / name)
    return home


def _answers(capsys, *arguments):
    capsys.readouterr()
    assert main(["predict", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_the_table_is_what_json_says(model, photos, tmp_path, capsys):
    path = tmp_path / "answers.csv"
    said = _answers(capsys, model, photos, "--csv", path)
    assert said == f"{path}: 3 images\n"
    rows = list(csv.DictReader(path.open(newline="")))
    answers = json.loads(_answers(capsys, model, photos, "--json"))
    assert [row["image"] for row in rows] == [each["image"] for each in answers]
    for row, answer in zip(rows, answers, strict=True):
        for rank, guess in enumerate(answer["predictions"], start=1):
            end = "" if rank == 1 else f"_{rank}"
            assert row[f"class{end}"] == guess["class"]
            assert float(row[f"probability{end}"]) == guess["probability"]
    assert [*rows[0]][-2:] == ["class_5", "probability_5"]
    streamed = _answers(capsys, model, photos, "--csv", "-")
    assert list(csv.DictReader(io.StringIO(streamed))) == rows


def test_names_for_display_have_columns(model, photos, tmp_path, capsys):
    names = tmp_path / "names.txt"
    names.write_text("\n".join(["0", *"bcdefg"]))
    arguments = ("--class-names", names, "--top", 2, "--csv", "-")
    rows = list(
        csv.DictReader(io.StringIO(_answers(capsys, model, photos, *arguments)))
    )
    assert [*rows[0]] == [
        *("image", "class", "name", "probability"),
        *("class_2", "name_2", "probability_2"),
    ]
    assert {(row["class"], row["name"]) for row in rows} <= {
        *zip("0123456", "0bcdefg", strict=True)
    }


def test_one_batch_is_in_memory_at_a_time(model, photos, capsys, monkeypatch):
    monkeypatch.setattr(reading, "BATCH", 1)
    read, written = [], []
    original = reading.read_images

    def note(paths, adapter):
        read.append(len(written))
        return original(paths, adapter)

    class Lines(io.StringIO):
        def write(self, text):
            written.append(text)
            return super().write(text)

    monkeypatch.setattr(reading, "read_images", note)
    monkeypatch.setattr("sys.stdout", Lines())
    assert main(["predict", str(model), str(photos), "--csv", "-"]) == 0
    # The header and the first line, then a line before each further image.
    assert read == [0, 2, 3]


def test_a_failure_leaves_the_old_table(model, photos, tmp_path, capsys):
    path = tmp_path / "answers.csv"
    path.write_text("old")
    broken = tmp_path / "broken.png"
    broken.write_text("no image")
    before = sorted(tmp_path.iterdir())
    line = ["predict", str(model), str(photos), str(broken), "--csv", str(path)]
    assert main(line) == 2
    assert "broken.png cannot be read as an image" in capsys.readouterr().err
    assert path.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--csv gone/a.csv", "There is no folder gone"),
        ("--csv a.csv --json", "not both"),
    ],
)
def test_mistakes_are_one_line(model, photos, line, says, capsys, tmp_path):
    assert main(["predict", str(model), str(photos), *line.split()]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
