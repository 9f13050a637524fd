"""Tables of image files and labels: what is read, and what is refused."""

import csv

import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo import data

pytestmark = pytest.mark.once


@pytest.fixture
def photos(tmp_path, rng):
    """Twelve images of 8x10 pixels in a folder beside the tables."""
    (tmp_path / "images").mkdir()
    for number in range(12):
        pixels = rng.integers(0, 256, (8, 10, 3), dtype="uint8")
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.png")
    return tmp_path


def _write(folder, columns, name="labels.csv", between=","):
    path = folder / name
    with path.open("w", newline="") as file:
        rows = csv.writer(file, delimiter=between)
        rows.writerow(columns)
        rows.writerows(zip(*columns.values(), strict=True))
    return path


def _files(count=12):
    return [f"images/{number}.png" for number in range(count)]


def _all(splits):
    images, labels = splits.train.arrays()
    return images, labels.tolist()


def test_names_are_classes_in_alphabetical_order(photos):
    breeds = ["pug", "beagle", "corgi"] * 4
    table = _write(photos, {"path": _files(), "label": breeds})
    splits = data.load(table, validation=0)
    assert splits.name == "labels"
    assert splits.class_names == ("beagle", "corgi", "pug")
    assert splits.image_shape == (8, 10, 3)
    images, labels = _all(splits)
    assert [splits.class_names[label] for label in labels] == breeds
    for number, image in enumerate(images):
        with Image.open(photos / "images" / f"{number}.png") as expected:
            np.testing.assert_array_equal(image, np.asarray(expected))
    assert splits.train.labels().dtype == np.int32


def test_whole_numbers_are_classes_in_their_order(photos):
    table = _write(photos, {"file": _files(), "class": [10, 9, 2] * 4})
    splits = data.load(table, validation=0)
    assert splits.class_names == ("2", "9", "10")
    assert _all(splits)[1] == [2, 1, 0] * 4


def test_numbers_that_begin_with_0_are_names(photos):
    table = _write(photos, {"file": _files(), "class": ["007", "07"] * 6})
    assert data.load(table, validation=0).class_names == ("007", "07")


@pytest.mark.parametrize(
    ("name", "between"), [("a.csv", ";"), ("a.tsv", "\t"), ("a.csv", "\t")]
)
def test_columns_may_be_divided_otherwise(photos, name, between):
    columns = {"Image": _files(), "Target": ["a, b", "c"] * 6}
    splits = data.load(_write(photos, columns, name, between), validation=0)
    assert splits.class_names == ("a, b", "c")


def test_a_column_of_splits(photos):
    kinds = ["train"] * 6 + ["val"] * 4 + ["test"] * 2
    table = _write(photos, {"path": _files(), "label": [0, 1] * 6, "split": kinds})
    splits = data.load(table)
    sizes = {name: images.num_examples for name, images in splits.sets.items()}
    assert sizes == {"train": 6, "validation": 4, "test": 2}
    assert splits.split("val") is splits.validation


def test_columns_of_0_and_1_are_several_labels(photos, rng):
    flags = rng.integers(0, 2, (12, 3))
    table = _write(
        photos,
        {"path": _files(), "note": ["x"] * 12}
        | {name: flags[:, n] for n, name in enumerate(("cat", "dog", "bird"))},
    )
    splits = data.load(table, validation=0)
    assert splits.targets == data.Targets("classes", ("cat", "dog", "bird"))
    assert splits.train.labels().dtype == np.float32
    assert _all(splits)[1] == flags.tolist()
    assert "3 labels each" in repr(splits)


@pytest.mark.parametrize(
    ("text", "how"),
    [('["dog", "cat"]', {}), ("dog|cat", {"targets": "classes"})],
)
def test_lists_are_several_labels(photos, text, how):
    labels = [text, text.replace("cat", "bird")] * 6
    table = _write(photos, {"path": _files(), "labels": labels})
    splits = data.load(table, validation=0, **how)
    assert splits.class_names == ("bird", "cat", "dog")
    assert _all(splits)[1] == [[0, 1, 1], [1, 0, 1]] * 6


def test_numbers_with_a_fraction_are_predicted(photos, rng):
    ages = rng.normal(40, 10, 12)
    table = _write(photos, {"path": _files(), "target": ages})
    splits = data.load(table, validation=3)
    assert splits.targets == data.Targets("number", ("target",))
    assert splits.validation.num_examples == 3
    whole = data.load(table, validation=0)
    np.testing.assert_allclose(whole.train.labels()[:, 0], ages.astype(np.float32))


def test_what_labels_are_can_be_said(photos):
    columns = {"path": _files(), "x": range(12), "y": [0.5] * 12}
    table = _write(photos, columns)
    how = {"columns": {"label": ["x", "y"]}, "validation": 0}
    splits = data.load(table, **how)
    assert splits.targets == data.Targets("number", ("x", "y"))
    how = {"columns": {"label": "x"}, "targets": "number", "validation": 0}
    assert data.load(table, **how).train.labels().shape == (12, 1)
    how["targets"] = "class"
    assert len(data.load(table, **how).class_names) == 12


def test_rare_labels_are_in_both_parts(photos):
    # Two images have the rare label: one of them is set apart.
    rare = [1, 1] + [0] * 10
    table = _write(photos, {"path": _files(), "rare": rare, "common": [1] * 12})
    splits = data.load(table, validation=6)
    assert splits.train.labels()[:, 0].sum() == 1
    assert splits.validation.labels()[:, 0].sum() == 1


def test_files_that_cannot_be_read_are_left_out(photos):
    (photos / "images" / "3.png").write_bytes(b"no image")
    table = _write(photos, {"path": _files(), "label": [0, 1] * 6})
    with pytest.warns(UserWarning, match=r"left out 1 file: .*3\.png"):
        splits = data.load(table, validation=0)
    assert splits.train.num_examples == 11
    assert [skipped.path for skipped in splits.skipped] == [
        str(photos / "images/3.png")
    ]


def test_a_file_that_breaks_later_is_replaced_by_the_nearest(photos):
    table = _write(photos, {"path": _files(), "age": [n / 2 for n in range(12)]})
    splits = data.load(table, columns={"label": "age"}, validation=0)
    path = photos / "images" / "7.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.warns(UserWarning, match="does not decode"):
        images, labels = splits.train.arrays()
    with Image.open(photos / "images" / "6.png") as near:
        np.testing.assert_array_equal(images[7], np.asarray(near))
    assert labels[7] == 3.5


REFUSED = [
    ({"columns": {"image": "fiel"}}, r"no column 'fiel'. Close to it: file\."),
    ({"columns": {"label": ["label", "lable"]}}, "no column 'lable'"),
    ({"columns": {"images": "file"}}, "image, label, split. Received: images"),
    ({"targets": "mask"}, "class, classes, number. Received: 'mask'"),
    ({"columns": {"label": "breed"}}, r"'breed': 2 of 12 labels are missing.*row 5"),
    ({"columns": {"label": "gap"}}, r"'gap': 1 of 12 labels are missing.*row 1"),
    ({"columns": {"label": ["label", "id"]}, "targets": "class"}, "not 2"),
    ({"columns": {"label": "breed2"}, "targets": "number"}, "row of numbers"),
    ({"columns": {"label": ["breed2", "id"]}}, "row of numbers"),
    ({"columns": {"label": ["label", "id"]}, "targets": "classes"}, "expected 0 or 1"),
    ({"columns": {"label": "half"}, "targets": "class"}, "names or whole numbers"),
]


@pytest.mark.parametrize(("how", "says"), REFUSED)
def test_columns_that_are_refused(photos, how, says):
    columns = {
        "file": _files(),
        "label": [0, 1] * 6,
        "breed": ["a"] * 4 + [""] * 2 + ["b"] * 6,
        "breed2": ["a", "b"] * 6,
        "gap": ["nan"] + [1.5] * 11,
        "half": [0.5] * 12,
        "id": range(12),
    }
    with pytest.raises(ValueError, match=says):
        data.load(_write(photos, columns), **how)


def test_tables_that_are_refused(photos):
    def says(text):
        return pytest.raises(ValueError, match=text)

    with says(r"names 2 files of 3 that are not there, such as .*a\.png in row 1"):
        columns = {"path": ["a.png", "images/0.png", "b"], "label": "abc"}
        data.load(_write(photos, columns))
    with says("no column named path, file, image; it has name, label"):
        data.load(_write(photos, {"name": ["a"], "label": ["b"]}))
    with says("no column named label, class, target; it has path, breed.*'label': "):
        data.load(_write(photos, {"path": _files(), "breed": "abcabcabcabc"}))
    with says("has no rows"):
        data.load(_write(photos, {"path": [], "label": []}))
    with says("two columns 'path'"):
        (photos / "twice.csv").write_text("path,path\na,b\n")
        data.load(photos / "twice.csv")
    with says("line 3: 3 values for 2 columns"):
        (photos / "long.csv").write_text("path,label\na,b\nc,d,e\n")
        data.load(photos / "long.csv")
    with says("no text in UTF-8"):
        (photos / "binary.csv").write_bytes(b"\xff\xfe\x00")
        data.load(photos / "binary.csv")
    with says("test has images of 'b', of which train has none"):
        columns = {"path": _files(), "label": ["a"] * 11 + ["b"]}
        columns["split"] = ["train"] * 11 + ["test"]
        data.load(_write(photos, columns))


def test_one_class_is_warned_of(photos):
    table = _write(photos, {"path": _files(), "label": ["a"] * 12})
    with pytest.warns(UserWarning, match="one class only, 'a'"):
        data.load(table)


def test_other_sources_take_no_columns(photos):
    with pytest.raises(TypeError, match="`columns` is for tables"):
        data.load("digits", columns={"label": "x"})
    with pytest.raises(TypeError, match="`targets` is for tables"):
        data.load("digits", targets="number")


def test_a_source_that_is_open_is_returned(photos):
    table = _write(photos, {"path": _files(), "label": [0, 1] * 6})
    source = data.open_source(table)
    assert data.open_source(source) is source
