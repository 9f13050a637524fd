import numpy as np
import pytest

from keras_cnnzoo import data
from keras_cnnzoo.data.targets import Targets, alike, as_labels

pytestmark = pytest.mark.once


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (20, 6, 5, 3), dtype="uint8")


def test_arrays_of_several_labels(images, rng):
    flags = rng.integers(0, 2, (20, 4))
    splits = data.load((images, flags), targets="classes", validation=0)
    assert splits.targets == Targets("classes", ("0", "1", "2", "3"))
    batch = splits.train[0][1]
    assert batch.dtype == np.float32
    assert batch.shape == (20, 4)
    np.testing.assert_array_equal(splits.train.labels(), flags)


def test_arrays_of_numbers(images, rng, tmp_path):
    numbers = rng.normal(size=20)
    pair = {"train": (images, numbers), "test": (images, numbers[:, None])}
    splits = data.load(pair, targets="number")
    assert splits.targets == Targets("number", ("0",))
    assert splits.train.labels().shape == (18, 1)
    np.testing.assert_array_equal(splits.test.labels()[:, 0], np.float32(numbers))
    np.savez(tmp_path / "some.npz", x_train=images, y_train=numbers)
    splits = data.load(tmp_path / "some.npz", targets="number", validation=0)
    np.testing.assert_array_equal(splits.train.labels()[:, 0], np.float32(numbers))


@pytest.mark.parametrize(
    ("kind", "labels", "says"),
    [
        ("class", np.eye(3), r"argmax.*targets='classes'"),
        ("class", [0.5, 1], "Label 0 is 0.5.*targets='number'"),
        ("classes", [0, 1], r"shape \(n, k\). Received shape \(2,\)"),
        ("classes", [[0, 2], [1, 1]], "Row 0, column 1, is 2, one of 1"),
        ("number", [[1.0, np.nan], [np.inf, 2]], "Row 0, column 1, is nan, one of 2"),
        ("number", ["a", "b"], "of <U1"),
        ("number", [[1, 2], [3]], "different lengths"),
    ],
)
def test_labels_that_are_refused(kind, labels, says):
    with pytest.raises(ValueError, match=says):
        as_labels(kind, labels, "here")


def test_splits_need_as_many_labels_each(images):
    pair = {"train": (images, np.ones((20, 2))), "test": (images, np.ones((20, 3)))}
    with pytest.raises(ValueError, match=r"train \(20, 2\), test \(20, 3\)"):
        data.load(pair, targets="number")


def test_strata_are_classes_or_the_rarest_label():
    labels = np.float32([[1, 0, 0], [1, 1, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0]])
    strata = Targets("classes", ("a", "b", "c")).strata(labels)
    assert strata.tolist() == [0, 1, 1, 2, -1]
    assert Targets("class", ("a", "b")).strata(np.array([1, 0])).tolist() == [1, 0]
    assert Targets("number", ("a",)).strata(np.ones((3, 1))).tolist() == [0, 0, 0]


def test_who_stands_in():
    assert alike(np.array([0, 1, 0, 1, 0]), 2).tolist() == [4, 0]
    assert alike(np.array([[0.0], [9], [2], [3]]), 2).tolist() == [3, 0, 1]
