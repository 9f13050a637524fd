import warnings

import keras
import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo import data


def _image(rng, size=(10, 12)):
    return Image.fromarray(rng.integers(0, 256, (*size, 3), dtype="uint8"))


@pytest.fixture
def folder(tmp_path, rng):
    """Two classes of ten PNG images of 10x12 pixels."""
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(10):
            _image(rng).save(tmp_path / name / f"{number}.png")
    return tmp_path


def _truncated(path, rng):
    whole = path.with_suffix(".whole.jpg")
    _image(rng, (64, 64)).save(whole)
    path.write_bytes(whole.read_bytes()[:700])
    whole.unlink()


def _spoil(path, length=60):
    """Damage a PNG inside, so that its header and its end are whole."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + length] = bytes(length)
    path.write_bytes(content)


def test_classes_are_folders(folder):
    splits = data.load(folder, validation=4, batch_size=16)
    assert splits.class_names == ("cat", "dog")
    assert splits.image_shape == (10, 12, 3)
    assert not splits.skipped
    assert np.bincount(splits.validation.labels()).tolist() == [2, 2]
    images, labels = data.load(folder, validation=0).train.arrays()
    paths = sorted(folder.glob("*/*.png"))
    for path, image, label in zip(paths, images, labels, strict=True):
        np.testing.assert_array_equal(image, np.asarray(Image.open(path)))
        assert path.parent.name == splits.class_names[label]


def test_folders_of_splits(tmp_path, rng):
    for split, count in {"train": 3, "val": 2, "test": 1}.items():
        for name in ("a", "b"):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(count):
                _image(rng).save(tmp_path / split / name / f"{number}.webp")
    splits = data.load(tmp_path)
    sizes = {name: images.num_examples for name, images in splits.sets.items()}
    assert sizes == {"train": 6, "validation": 4, "test": 2}
    Image.new("L", (5, 5)).save(tmp_path / "test" / "b" / "small.png")
    (tmp_path / "test" / "c").mkdir()
    Image.new("L", (5, 5)).save(tmp_path / "test" / "c" / "new.png")
    with pytest.raises(ValueError, match="test has images of 'c', of which train"):
        data.load(tmp_path, image_size=8)


def test_images_of_different_sizes_need_a_size(folder, rng):
    _image(rng, (9, 9)).save(folder / "cat" / "other.png")
    with pytest.raises(ValueError, match=r"different sizes.*image_size"):
        data.load(folder)
    assert data.load(folder, image_size=8).image_shape == (8, 8, 3)


def test_rotated_images_count_as_they_are_shown(folder, rng):
    exif = Image.Exif()
    exif[0x0112] = 6
    _image(rng, (12, 10)).save(folder / "cat" / "turned.jpg", exif=exif)
    assert data.load(folder).image_shape == (10, 12, 3)


def test_grey_folder_is_grey(tmp_path):
    for name, mode in {"a": "L", "b": "I;16", "c": "1"}.items():
        (tmp_path / name).mkdir()
        Image.new(mode, (6, 6)).save(tmp_path / name / "x.png")
    assert data.load(tmp_path, validation=0).image_shape == (6, 6, 1)
    assert data.load(tmp_path, validation=0, channels=3).image_shape == (6, 6, 3)


@pytest.fixture
def broken(folder, rng):
    """The folder with everything that goes wrong with files added."""
    cat = folder / "cat"
    _truncated(cat / "cut.jpg", rng)
    (cat / "nothing.png").write_bytes(b"")
    (cat / "text.jpg").write_text("not an image")
    (cat / ".hidden.jpg").write_text("not seen at all")
    Image.new("1", (12_000, 12_000)).save(cat / "huge.png")
    (folder / ".cache").mkdir()
    (folder / "fox").mkdir()
    (folder / "readme.txt").write_text("beside the classes")
    return folder


def test_broken_files_are_named_and_left_out(broken):
    with pytest.warns(UserWarning, match="left out 5 files") as caught:
        splits = data.load(broken, validation=0)
    assert len(caught) == 1
    reasons = {path.rsplit("/", 1)[-1]: why for path, why in splits.skipped}
    assert set(reasons) == {"cut.jpg", "nothing.png", "text.jpg", "huge.png", "fox"}
    assert "truncated" in reasons["cut.jpg"]
    assert reasons["nothing.png"] == "empty"
    assert "no image" in reasons["text.jpg"]
    assert "144 million pixels" in reasons["huge.png"]
    assert splits.train.num_examples == 20
    assert splits.class_names == ("cat", "dog")
    assert "left out" in repr(splits)


def test_training_survives_corrupt_files(folder, rng):
    _truncated(folder / "cat" / "cut.jpg", rng)
    _spoil(folder / "dog" / "3.png")
    with pytest.warns(UserWarning, match=r"left out 1 file: .*cut\.jpg"):
        splits = data.load(folder, validation=0, batch_size=4, augment="cifar")
    model = keras.Sequential(
        [
            keras.Input(splits.image_shape),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, "softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = model.fit(splits.train, epochs=3, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    named = [str(w.message) for w in caught if "does not decode" in str(w.message)]
    assert len(named) == 1
    assert "3.png" in named[0]
    assert [path.rsplit("/", 1)[-1] for path in splits.train.failed] == ["3.png"]


def test_broken_image_is_replaced_by_one_of_its_class(folder):
    whole, _ = data.load(folder, validation=0).train.arrays()
    _spoil(folder / "cat" / "9.png")
    train = data.load(folder, validation=0).train
    with pytest.warns(UserWarning, match=r"9\.png does not decode"):
        images, labels = train.arrays()
    # The tenth and last cat gives way to the first.
    np.testing.assert_array_equal(images[9], whole[0])
    np.testing.assert_array_equal(np.delete(images, 9, 0), np.delete(whole, 9, 0))
    assert labels[9] == 0


def test_class_of_broken_images_gives_black_and_goes_on(folder):
    for path in (folder / "cat").iterdir():
        _spoil(path)
    train = data.load(folder, validation=0).train
    with pytest.warns(UserWarning, match="does not decode"):
        images, _ = train.arrays()
    assert not images[:10].any()
    assert images[10:].any()
    assert len(train.failed) == 10


def test_large_folders_are_decoded_every_time(folder, monkeypatch):
    kept = data.load(folder, validation=0).train.arrays()[0]
    monkeypatch.setattr("keras_cnnzoo.data.examples.MAX_ADAPTED_BYTES", 0)
    train = data.load(folder, validation=0).train
    for _ in range(2):
        np.testing.assert_array_equal(train.arrays()[0], kept)


def test_folders_without_images_are_answered(tmp_path, rng):
    with pytest.raises(ValueError, match=r"no folder for each class.*holds 0 files"):
        data.load(tmp_path)
    _image(rng).save(tmp_path / "loose.png")
    with pytest.raises(ValueError, match=r"no folder for each class.*holds 1 files"):
        data.load(tmp_path)
    (tmp_path / "cat").mkdir()
    with pytest.raises(ValueError, match="class folders are empty"):
        data.load(tmp_path)
    (tmp_path / "cat" / "x.jpg").write_text("text")
    with pytest.raises(ValueError, match=r"no image that can be read.*x\.jpg"):
        data.load(tmp_path)


def test_one_class_is_warned_of(tmp_path, rng):
    (tmp_path / "only").mkdir()
    _image(rng).save(tmp_path / "only" / "x.png")
    with pytest.warns(UserWarning, match="one class only, 'only'"):
        data.load(tmp_path, validation=0)


def test_single_files_are_answered(tmp_path, rng):
    _image(rng).save(tmp_path / "x.png")
    with pytest.raises(ValueError, match=r"only \.npz"):
        data.load(tmp_path / "x.png")
    with pytest.raises(ValueError, match="no file or folder"):
        data.load(tmp_path / "nowhere")


def test_imagenet_photographs(shared):
    splits = data.load(shared / "imagenet_val_250", validation=0)
    assert len(splits.class_names) == 10
    assert splits.train.num_examples == 250
    assert splits.image_shape == (224, 224, 3)
    assert not splits.skipped
