"""Parquet files: of images, as on the Hugging Face hub, and of paths."""

import io
import json
import pickle
import sys

import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo import data
from keras_cnnzoo.data import records as module
from keras_cnnzoo.data.records import Records

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.once

ANIMALS = ["cat", "dog", "fox"]
README = """---
license: mit
dataset_info:
  features:
  - name: image
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
          '0': cat
          '1': dog
          '2': fox
---
# Animals
"""


def _pixels(number):
    return np.random.default_rng(number).integers(0, 256, (6, 9, 3), dtype="uint8")


def _png(number):
    file = io.BytesIO()
    Image.fromarray(_pixels(number)).save(file, "PNG")
    return file.getvalue()


def _write(path, numbers, labels, *, names=None, images=None, group=4):
    """Write a file as `datasets` does: structs of bytes and path, and the labels."""
    images = images or [{"bytes": _png(n), "path": f"{n}.png"} for n in numbers]
    table = pa.table({"image": images, "label": labels, "id": list(numbers)})
    if names:
        label = {"names": names, "_type": "ClassLabel"}
        about = {"info": {"features": {"image": {"_type": "Image"}, "label": label}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(about)})
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path, row_group_size=group)


@pytest.fixture
def hub(tmp_path):
    """A data set of two training files, a test file, and one without labels."""
    home = tmp_path / "animals"
    home.mkdir()
    for part in range(2):
        numbers = range(10 * part, 10 * part + 10)
        labels = [n % 3 for n in numbers]
        name = f"train-0000{part}-of-00002.parquet"
        _write(home / "data" / name, numbers, labels, names=ANIMALS)
    _write(
        home / "data" / "test-00000-of-00001-0123456789abcdef.parquet",
        range(50, 55),
        [0, 0, 1, 1, 2],
        names=ANIMALS,
    )
    _write(home / "data" / "hidden-00000-of-00001.parquet", range(60, 62), [-1, -1])
    return home


def test_a_folder_of_the_hub(hub):
    splits = data.load(hub, validation=0)
    assert splits.name == "animals"
    assert splits.class_names == tuple(ANIMALS)
    assert splits.image_shape == (6, 9, 3)
    images, labels = splits.train.arrays()
    assert labels.tolist() == [n % 3 for n in range(20)]
    np.testing.assert_array_equal(images, [_pixels(n) for n in range(20)])
    assert splits.test.labels().tolist() == [0, 0, 1, 1, 2]
    assert [s.reason for s in splits.skipped] == ["its images have no labels"]
    assert sorted(splits.sets) == ["test", "train"]


def test_names_of_classes_from_the_readme(tmp_path):
    (tmp_path / "README.md").write_text(README)
    _write(tmp_path / "data" / "train-00000-of-00001.parquet", range(6), [0, 1] * 3)
    assert data.load(tmp_path, validation=0).class_names == tuple(ANIMALS)


def test_a_file_alone_and_a_folder_for_each_split(tmp_path):
    for split, numbers in (("train", range(6)), ("test", range(6, 9))):
        path = tmp_path / "default" / split / "0000.parquet"
        path.parent.mkdir(parents=True)
        _write(path, numbers, [n % 3 for n in numbers])
    splits = data.load(tmp_path / "default", validation=0)
    assert (splits.train.num_examples, splits.test.num_examples) == (6, 3)
    assert splits.class_names == ("0", "1", "2")
    alone = data.load(tmp_path / "default" / "test" / "0000.parquet")
    assert alone.test.num_examples == 3


@pytest.mark.parametrize(
    ("labels", "kind", "expected"),
    [
        (["pug", "corgi"] * 3, "class", [1, 0] * 3),
        ([["a", "b"], ["b"]] * 3, "classes", [[1, 1], [0, 1]] * 3),
        ([0.5, 2] * 3, "number", [[0.5], [2]] * 3),
        ([[1.0, 2.0], [3.0, 4.0]] * 3, "number", [[1, 2], [3, 4]] * 3),
    ],
)
def test_labels_of_every_kind(tmp_path, labels, kind, expected):
    _write(tmp_path / "train.parquet", range(6), labels)
    splits = data.load(tmp_path, validation=0, targets=kind)
    assert splits.targets.kind == kind
    assert splits.train.labels().tolist() == expected


def test_a_table_of_paths(tmp_path):
    (tmp_path / "a.png").write_bytes(_png(1))
    (tmp_path / "b.png").write_bytes(_png(2))
    table = pa.table({"path": ["a.png", "b.png"], "label": ["x", "y"]})
    pq.write_table(table, tmp_path / "labels.parquet")
    splits = data.load(tmp_path / "labels.parquet", validation=0)
    assert splits.class_names == ("x", "y")
    np.testing.assert_array_equal(splits.train[0][0][1], _pixels(2))


def test_large_sets_are_copied_once_for_any_order(hub, monkeypatch):
    whole = data.load(hub, validation=0).train.arrays()
    monkeypatch.setattr(module, "MAX_BYTES", 0)
    with pytest.raises(ValueError, match="image_size=224"):  # not all headers are read
        data.load(hub)
    copies = sorted(hub.glob("data/keras_cnnzoo.*.arrow"))
    written = [copy.stat().st_mtime_ns for copy in copies]
    assert len(copies) == 2
    splits = data.load(hub, validation=0, image_size=(6, 9))
    for got, expected in zip(splits.train.arrays(), whole, strict=True):
        np.testing.assert_array_equal(got, expected)
    assert [copy.stat().st_mtime_ns for copy in copies] == written
    assert not list(hub.glob("data/.*"))


def test_a_copy_that_cannot_be_written(hub, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 0)

    def full(self, copy):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Records, "_write", full)
    with pytest.raises(ValueError, match="disk with room for as much again"):
        data.load(hub, image_size=6)


@pytest.mark.parametrize("limit", [0, 2**30])
def test_records_are_read_anew_in_another_process(hub, monkeypatch, limit):
    monkeypatch.setattr(module, "MAX_BYTES", limit)
    records = Records(tuple(sorted(hub.glob("data/train*.parquet"))), "image")
    assert len(records) == 20
    packed = pickle.dumps(records)
    assert len(packed) < 1000
    again = pickle.loads(packed)
    assert [again(n) for n in (19, 0, 7)] == [_png(n) for n in (19, 0, 7)]


def test_broken_and_absent_images_are_left_out(tmp_path):
    images = [{"bytes": _png(n), "path": ""} for n in range(6)]
    images[2]["bytes"] = b"no image"
    images[4]["bytes"] = None
    _write(tmp_path / "train.parquet", range(6), [0, 1] * 3, images=images)
    with pytest.warns(UserWarning, match="left out 2 files: .*row 3 .no image that"):
        splits = data.load(tmp_path, validation=0)
    assert splits.train.labels().tolist() == [0, 1, 1, 1]
    assert "not in the parquet file" in splits.skipped[1].reason


def test_files_that_are_refused(tmp_path, monkeypatch):
    def says(text, kind=ValueError):
        return pytest.raises(kind, match=text)

    path = tmp_path / "train.parquet"
    path.write_bytes(b"PAR1 nothing")
    with says("cannot be read as parquet"):
        data.load(path)
    _write(path, range(3), [0, None, 1])
    with says("1 of 3 labels are missing, the first in row 2"):
        data.load(tmp_path)
    with says("the splits of such files are in their names"):
        data.load(tmp_path, columns={"split": "id"})
    with says("'id' holds no encoded images; image does"):
        data.load(tmp_path, columns={"image": "id"})
    with says("no column 'labels'. Close to it: label"):
        data.load(tmp_path, columns={"label": "labels"})
    _write(path, range(3), [-1, -1, -1])
    with says("no images with labels"):
        data.load(tmp_path)
    pq.write_table(pa.table({"path": ["a"], "x": [1]}), tmp_path / "test.parquet")
    with says("have different columns"):
        data.load(tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with says(r"pip install 'keras-cnnzoo\[parquet\]'", ImportError):
        data.load(tmp_path)
