import gzip
import zipfile

import keras
import numpy as np
import pytest

from keras_cnnzoo import data


@pytest.fixture
def pair(rng):
    return rng.integers(0, 256, (20, 6, 5, 3), dtype="uint8"), np.arange(20) % 4


def test_pair_becomes_training_and_validation(pair):
    splits = data.load(pair, validation=4, batch_size=8)
    assert (splits.train.num_examples, splits.validation.num_examples) == (16, 4)
    assert splits.test is None
    assert splits.class_names == ("0", "1", "2", "3")
    images, labels = data.load(pair, validation=None).train.arrays()
    np.testing.assert_array_equal(images, pair[0])
    np.testing.assert_array_equal(labels, pair[1])
    assert images.dtype == "uint8"
    assert labels.dtype == "int32"


def test_last_batch_holds_what_is_left(pair):
    train = data.load(pair, validation=0, batch_size=8).train
    assert [len(labels) for _, labels in train] == [8, 8, 4]


def test_channels_first_batches(pair, channels_first):
    splits = data.load(pair, validation=0, augment="cifar")
    assert splits.image_shape == (3, 6, 5)
    assert splits.train[0][0].shape == (20, 3, 6, 5)
    images, _ = splits.train.arrays()
    np.testing.assert_array_equal(images, pair[0].transpose(0, 3, 1, 2))


def test_grey_arrays_need_no_channel_axis(rng):
    x = rng.integers(0, 256, (4, 6, 5), dtype="uint8")
    splits = data.load((x, [0, 1, 0, 1]), channels=3, validation=0)
    images, _ = splits.train.arrays()
    np.testing.assert_array_equal(images, np.stack([x] * 3, axis=-1))


def test_named_splits_and_unambiguous_prefixes(pair, tmp_path):
    x, y = pair
    file = tmp_path / "some.npz"
    np.savez(file, x_train4=x[:4], y_train4=y[:4], x_train8=x[:8], y_train8=y[:8],
             x_test5=x[:5], y_test5=y[:5], note=np.array("kept"))  # fmt: skip
    splits = data.load(file)
    assert splits.train is None
    assert splits.test.num_examples == splits.split("test").num_examples == 5
    assert splits.split("train8").num_examples == 8
    with pytest.raises(ValueError, match=r"no split 'train9'.*train4, train8"):
        splits.split("train9")


def test_own_validation_set_is_kept(pair):
    x, y = pair
    splits = data.load({"train": pair, "val": (x[:3], y[:3])}, validation=0.5)
    assert splits.train.num_examples == 20
    assert splits.validation.num_examples == 3


def test_labels_may_be_whole_floats_in_a_column(pair):
    x, y = pair
    labels = data.load((x, y[:, None].astype("float64")), validation=0).train.labels()
    np.testing.assert_array_equal(labels, y)


BAD = {
    "one-hot": (lambda x, y: (x, np.eye(4)[y]), "argmax"),
    "nan label": (lambda x, y: (x, np.where(y == 1, np.nan, y)), "Label 1 is nan"),
    "negative label": (lambda x, y: (x, y - 1), "whole numbers from 0"),
    "half label": (lambda x, y: (x, y + 0.5), "whole numbers from 0"),
    "text label": (lambda x, y: (x, y.astype(str)), "np.unique"),
    "fewer labels": (lambda x, y: (x, y[:3]), "20 images and 3 labels"),
    "scaled": (lambda x, y: (x / np.float32(255), y), "Multiply them by 255"),
    "normalised": (lambda x, y: (x / 64.0 - 2, y), "normalise by themselves"),
    "nan pixel": (lambda x, y: (np.where(x > 9, np.nan, x), y), "not finite"),
    "16 bit": (lambda x, y: (x.astype("uint16") * 257, y), "0 to 255"),
    "channels first": (lambda x, y: (x.transpose(0, 3, 1, 2), y), "channels last"),
    "flat": (lambda x, y: (x.reshape(20, -1), y), "Received shape"),
    "empty": (lambda x, y: (x[:0], y[:0]), "none of them 0"),
    "text": (lambda x, y: (x.astype(str), y), "dtype"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arrays_are_answered(pair, name):
    spoil, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        data.load(spoil(*pair))


@pytest.mark.parametrize(
    ("argument", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "at least 1"),
        ({"batch_size": 2.5}, TypeError, "whole number"),
        ({"seed": -1}, ValueError, "at least 0"),
        ({"validation": 1.5}, ValueError, "share"),
        ({"validation": 20}, ValueError, "20 training"),
        ({"validation": -3}, ValueError, "share"),
        ({"image_size": 0}, ValueError, "image_size"),
        ({"image_size": (1, 2, 3)}, ValueError, "image_size"),
        ({"channels": 2}, ValueError, "channels"),
        ({"fit": "stretch"}, ValueError, "resize, pad, crop"),
        ({"augment": "mnist"}, ValueError, "digits, cifar, imagenet"),
        ({"augment": 3}, TypeError, "augment"),
    ],
)
def test_bad_arguments_are_answered(pair, argument, error, message):
    with pytest.raises(error, match=message):
        data.load(pair, **argument)


@pytest.mark.parametrize("given", [3, {"train": 3}, {}, ([1],)])
def test_what_is_no_data_is_answered(given):
    with pytest.raises((TypeError, ValueError), match=r"images, labels|no split"):
        data.load(given)


def test_npz_without_pairs_or_damaged_is_answered(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros(3))
    with pytest.raises(ValueError, match="It holds: images"):
        data.load(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"b\.npz cannot be read"):
        data.load(tmp_path / "b.npz")
    # An array of objects would have to be unpickled.
    objects = np.array([{}], dtype=object)
    np.savez(tmp_path / "c.npz", x_train=objects, y_train=objects)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        data.load(tmp_path / "c.npz")


def test_npz_with_a_text_beside_its_arrays(pair, tmp_path):
    images, labels = pair
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as file:
        file.writestr("README.txt", "where these images come from")
    loaded = data.load(tmp_path / "a.npz", validation=0)
    assert loaded.train.num_examples == len(labels)


def test_cifar_archive(shared):
    file = shared / "cifar10_lossless" / "cifar10_lossless.npz"
    splits = data.load(file)
    assert splits.image_shape == (32, 32, 3)
    assert splits.train is None
    with np.load(file) as arrays:
        images, labels = splits.test.arrays()
        np.testing.assert_array_equal(images, arrays["x_test100"])
        np.testing.assert_array_equal(labels, arrays["y_test100"])
    assert splits.split("train4000").num_examples == 4000


def test_mnist_as_it_is_distributed(shared):
    mnist = data.load(shared / "mnist", image_size=32, fit="pad", validation=0)
    assert mnist.train.num_examples == 60_000
    assert mnist.test.num_examples == 10_000
    # Yann LeCun's counts of each digit in the test set.
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(mnist.test.labels()).tolist() == counts
    # The mean that everybody subtracts, 0.1307, of the images without the border.
    inner = mnist.train.examples.images(np.arange(60_000))[:, 2:-2, 2:-2]
    assert round(float(inner.mean()) / 255, 4) == 0.1307
    assert mnist.image_shape == (32, 32, 1)


def _write_idx(folder, split, x, y):
    def idx(array):
        shape = np.asarray(array.shape, ">u4").tobytes()
        return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()

    with gzip.open(folder / f"{split}-images-idx3-ubyte.gz", "wb") as file:
        file.write(idx(x))
    (folder / f"{split}-labels-idx1-ubyte").write_bytes(idx(y))


def test_idx_folder_plain_and_gzipped(tmp_path, rng):
    x = rng.integers(0, 256, (6, 4, 3), dtype="uint8")
    y = np.arange(6, dtype="uint8") % 3
    _write_idx(tmp_path, "train", x, y)
    _write_idx(tmp_path, "t10k", x[:2], y[:2])
    splits = data.load(tmp_path, validation=0)
    np.testing.assert_array_equal(splits.train.arrays()[0][..., 0], x)
    np.testing.assert_array_equal(splits.test.labels(), y[:2])


def test_damaged_idx_files_are_named(tmp_path, rng):
    x = rng.integers(0, 256, (6, 4, 3), dtype="uint8")
    _write_idx(tmp_path, "train", x, np.zeros(6, "uint8"))
    labels = tmp_path / "train-labels-idx1-ubyte"
    whole = labels.read_bytes()
    labels.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=r"labels-idx1-ubyte is not complete"):
        data.load(tmp_path)
    labels.write_bytes(b"<html>")
    with pytest.raises(ValueError, match="begins with 3c 68 74 6d"):
        data.load(tmp_path)
    labels.unlink()
    with pytest.raises(ValueError, match="no file of labels"):
        data.load(tmp_path)
    labels.write_bytes(whole)
    images = tmp_path / "train-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:30])
    with pytest.raises(ValueError, match=r"gz is damaged"):
        data.load(tmp_path)


def test_validation_takes_every_class_alike(rng):
    y = np.repeat([0, 1, 2], [600, 300, 100])
    splits = data.load((rng.integers(0, 9, (1000, 2, 2)), y), validation=0.2)
    assert np.bincount(splits.validation.labels()).tolist() == [120, 60, 20]


def test_batches_are_what_fit_takes(pair):
    assert isinstance(data.load(pair).train, keras.utils.PyDataset)
