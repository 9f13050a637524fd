"""Data sets of tensorflow-datasets: a small one that is really prepared, and mocks."""

import concurrent.futures
import importlib
import io
import socket
import sys
import time

import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo import data
from keras_cnnzoo.data import tfds as module

tfds = pytest.importorskip("tensorflow_datasets")

BUILDERS = """
import io
import numpy as np
import tensorflow_datasets as tfds
from PIL import Image


def pixels(number, shape):
    rng = np.random.default_rng(number)
    small = rng.integers(0, 256, (3, 2, shape[2]), dtype="uint8").repeat(9, 0)
    return np.resize(small, shape)


class _Small(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": self.image,
                    "name": tfds.features.Text(),
                    "label": tfds.features.ClassLabel(names=["cat", "dog", "fox"]),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, manager):
        return {
            "train": self._generate_examples(0, 30),
            "validation": self._generate_examples(100, 6),
            "test": self._generate_examples(200, 3),
        }

    def _generate_examples(self, first, count):
        for number in range(first, first + count):
            yield number, {
                "image": self.encoded(number),
                "name": str(number),
                "label": -1 if first == 200 and self.unlabelled else number % 3,
            }


class ZooFixed(_Small):
    image = tfds.features.Image(shape=(8, 6, 1))
    unlabelled = False

    def encoded(self, number):
        return pixels(number, (8, 6, 1))


class ZooVaried(_Small):
    image = tfds.features.Image(encoding_format="jpeg")
    unlabelled = True

    def encoded(self, number):
        file = io.BytesIO()
        image = Image.fromarray(pixels(number, (20 + number % 5, 30, 3)))
        image.save(file, "JPEG")
        file.seek(0)
        return file
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The module of two builders, prepared nowhere yet."""
    # A builder has to live in a package.
    package = tmp_path_factory.mktemp("builders") / "zoo_small_sets"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "builders.py").write_text(BUILDERS)
    sys.path.insert(0, str(package.parent))
    yield importlib.import_module("zoo_small_sets.builders")
    sys.path.remove(str(package.parent))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """An empty folder in place of ~/tensorflow_datasets."""
    folder = tmp_path_factory.mktemp("tfds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfds.core.constants, "DATA_DIR", str(folder))
        yield folder


def _expected(small, numbers, shape):
    return np.stack([small.pixels(n, shape) for n in numbers])


def _sorted_rows(images):
    return sorted(image.astype("uint8").tobytes() for image in images)


def test_images_of_one_size_are_read_whole(small, home):
    splits = data.load("zoo_fixed", seed=1)
    assert splits.class_names == ("cat", "dog", "fox")
    sizes = {name: images.num_examples for name, images in splits.sets.items()}
    assert sizes == {"train": 30, "validation": 6, "test": 3}
    images, labels = splits.train.arrays()
    expected = _expected(small, range(30), (8, 6, 1))
    assert _sorted_rows(images) == _sorted_rows(expected)
    for image, label in zip(images, labels, strict=True):
        number = [np.array_equal(image, x) for x in expected].index(True)
        assert label == number % 3


def test_images_of_many_sizes_are_decoded_by_pillow(small, home, monkeypatch):
    splits = data.load("zoo_varied", image_size=16)
    assert splits.image_shape == (16, 16, 3)
    # The test set's labels are all -1, which is how tensorflow-datasets says none.
    assert splits.test is None
    assert splits.skipped[0].reason == "its images have no labels"
    expected = []
    for number in range(100, 106):
        image = Image.open(io.BytesIO(small.ZooVaried.encoded(None, number).read()))
        expected.append(np.asarray(image.resize((16, 16), Image.Resampling.BILINEAR)))
    assert _sorted_rows(splits.validation.arrays()[0]) == _sorted_rows(expected)

    kept = list(home.glob("zoo_varied/1.0.0/keras_cnnzoo.*.labels.npy"))
    assert len(kept) == 3
    monkeypatch.setattr(np, "fromiter", None)  # not counted a second time
    again = data.load("zoo_varied", image_size=16)
    np.testing.assert_array_equal(again.train.labels(), splits.train.labels())


def test_large_sets_that_are_read_in_order_are_refused(small, home, monkeypatch):
    data.load("zoo_fixed")
    monkeypatch.setattr(module, "MAX_BYTES", 0)
    with pytest.raises(ValueError, match=r"tfds build zoo_fixed --file_format=array"):
        data.load("zoo_fixed")


def test_two_at_once_prepare_once(small, tmp_path, monkeypatch):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    # What a killed run leaves behind.
    (tmp_path / "zoo_fixed" / "incomplete.ABC_1.0.0").mkdir(parents=True)
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        both = list(threads.map(data.load, ["zoo_fixed"] * 2))
    one, two = (splits.train.arrays()[0] for splits in both)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_offline_it_fails_in_seconds_saying_what_to_do(home, name, monkeypatch):
    def refuse(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(module.urllib.request, "getproxies", dict)
    began = time.monotonic()
    with pytest.raises(ValueError, match=rf"{name}.*cannot be reached.*tfds build"):
        data.load(name)
    assert time.monotonic() - began < 10
    assert not (home / name).exists()


def test_sets_fetched_by_hand_say_how(home):
    with pytest.raises(
        ValueError, match=r"could not be prepared.*ILSVRC2012_img_train"
    ):
        data.load("imagenet2012")


def test_sets_that_are_not_of_classes_are_refused_before_a_download(home):
    with pytest.raises(ValueError, match="not a set of images with one class each"):
        data.load("coco")


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(ValueError, match=r"Close to it: mnist.*'digits'"):
        data.load("mnits")
    with pytest.raises(ValueError, match=r"no file or folder '\./nowhere'"):
        data.load("./nowhere")
    with pytest.raises(ValueError, match="only: 3"):
        data.load("cifar10:9.9.9")


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [("mnist", (28, 28, 1), 10), ("cifar100", (32, 32, 3), 100)],
)
def test_well_known_sets_have_the_expected_form(home, name, shape, classes):
    builder = tfds.builder(name)
    builder.info.set_splits(
        tfds.core.splits.SplitDict(
            [
                tfds.core.SplitInfo(
                    name=split,
                    shard_lengths=[20],
                    num_bytes=1,
                    filename_template=tfds.core.ShardedFileTemplate(
                        data_dir=builder.data_path,
                        dataset_name=name,
                        split=split,
                        filetype_suffix="tfrecord",
                    ),
                )
                for split in ("train", "test")
            ]
        )
    )
    builder.data_path.mkdir(parents=True)
    builder.info.write_to_directory(builder.data_path)
    with tfds.testing.mock_data(num_examples=20, data_dir=str(home)):
        splits = data.load(name, validation=4)
    assert splits.image_shape == shape
    assert len(splits.class_names) == classes
    sizes = {name: images.num_examples for name, images in splits.sets.items()}
    assert sizes == {"train": 16, "validation": 4, "test": 20}
