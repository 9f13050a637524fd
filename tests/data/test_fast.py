"""The extra `fast` gives Pillow's pixels, and leaves to Pillow what is not for it."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo.data import fast
from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.data.decode import decode
from keras_cnnzoo.data.reading import read

pytestmark = pytest.mark.once
BOX = (13.3, 7.1, 150.5, 120.25)


@pytest.fixture
def photo(rng):
    small = Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype="uint8"))
    return small.resize((200, 151), Image.Resampling.BICUBIC)


def _jpeg(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92, **options)
    return file.getvalue()


def _read(encoded, adapter):
    return read(encoded, adapter, lambda height, width: BOX)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(48, 64), (37, 41), (200, 190)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_crops_are_pillows(photo, interpolation, size, mode, tmp_path):
    pytest.importorskip("cykooz_resizer")
    pytest.importorskip("simplejpeg")
    encoded = _jpeg(photo.convert(mode))
    adapter = Adapter(size, 3, interpolation=interpolation)
    quick = fast.cropped(encoded, adapter, BOX)
    error = np.abs(quick.astype(int) - adapter.one(decode(encoded), BOX))
    assert error.mean() < 0.3
    if interpolation == "bilinear":
        assert error.max() <= 1
    assert (error > 2).mean() < 1e-3
    np.testing.assert_array_equal(_read(encoded, adapter), quick)
    (tmp_path / "photo.jpg").write_bytes(encoded)
    np.testing.assert_array_equal(_read(tmp_path / "photo.jpg", adapter), quick)


OTHERS = {
    "PNG": lambda photo: _png(photo),
    "CMYK": lambda photo: _jpeg(photo.convert("CMYK")),
    "turned": lambda photo: _jpeg(photo, exif=_turned()),
}


def _png(photo):
    file = io.BytesIO()
    photo.save(file, "PNG")
    return file.getvalue()


def _turned():
    exif = Image.Exif()
    exif[0x0112] = 3
    return exif


@pytest.mark.parametrize("kind", OTHERS)
def test_other_files_are_left_to_pillow(photo, kind, monkeypatch):
    def never(*arguments):
        raise AssertionError("not for it")

    monkeypatch.setattr(fast, "cropped", never)
    encoded, adapter = OTHERS[kind](photo), Adapter((48, 64), 3)
    expected = adapter.one(decode(encoded), BOX)
    np.testing.assert_array_equal(_read(encoded, adapter), expected)


def test_a_damaged_file_is_left_to_pillow(photo):
    encoded = _jpeg(photo)
    damaged = encoded[: len(encoded) // 2]
    assert fast.cropped(damaged, Adapter((48, 64), 3), BOX) is None
    with pytest.raises(OSError, match="truncated"):
        _read(damaged, Adapter((48, 64), 3))


def test_grey_and_nearest_are_left_to_pillow(photo):
    encoded = _jpeg(photo)
    for adapter in (
        Adapter((99, 99), 1),
        Adapter((99, 99), 3, interpolation="nearest"),
    ):
        assert fast.cropped(encoded, adapter, BOX) is None
        expected = adapter.one(decode(encoded, channels=adapter.channels), BOX)
        np.testing.assert_array_equal(_read(encoded, adapter), expected)


def test_without_the_extra_there_is_pillow(photo, monkeypatch):
    monkeypatch.setattr(fast, "packages", lambda: None)
    encoded, adapter = _jpeg(photo), Adapter((48, 64), 3)
    expected = adapter.one(decode(encoded), BOX)
    np.testing.assert_array_equal(_read(encoded, adapter), expected)
