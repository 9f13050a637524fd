import io

import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo.data import decode as decoding
from keras_cnnzoo.data import fast
from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.data.decode import decode
from keras_cnnzoo.data.reading import read

pytestmark = pytest.mark.once
BILINEAR = Image.Resampling.BILINEAR


@pytest.fixture(autouse=True)
def _pillow_alone(monkeypatch):
    monkeypatch.setattr(fast, "packages", lambda: None)


@pytest.fixture
def photo(rng):
    """Colours at every scale, each weaker than the coarser one, as in a photograph."""
    layers = [
        np.asarray(
            Image.fromarray(
                rng.integers(0, 256, (n * 3 // 4, n, 3), dtype="uint8")
            ).resize((205, 151), Image.Resampling.BICUBIC),
            float,
        )
        / n
        for n in (4, 8, 16, 32, 64, 128)
    ]
    total = sum(layers)
    return Image.fromarray(
        np.uint8(255 * (total - total.min()) / (total.max() - total.min()))
    )


def _turned(image, kind, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    return _encoded(image, kind, exif=exif)


def _encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **({"quality": 95} if kind == "JPEG" else {}) | options)
    return file.getvalue()


def _transparent(image):
    image = image.convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return _encoded(image, "PNG")


FILES = {
    "JPEG": lambda x: _encoded(x, "JPEG"),
    "progressive": lambda x: _encoded(x, "JPEG", progressive=True),
    "PNG": lambda x: _encoded(x, "PNG"),
    "grey JPEG": lambda x: _encoded(x.convert("L"), "JPEG"),
    "grey PNG": lambda x: _encoded(x.convert("L"), "PNG"),
    "deep grey": lambda x: _encoded(
        Image.fromarray(np.asarray(x.convert("L")).astype("uint16") * 200), "PNG"
    ),
    "CMYK": lambda x: _encoded(x.convert("CMYK"), "JPEG"),
    "palette": lambda x: _encoded(x.quantize(32), "PNG"),
    "transparent": _transparent,
    **{f"turn {n}": lambda x, n=n: _turned(x, "JPEG", n) for n in range(2, 9)},
    "turned PNG": lambda x: _turned(x, "PNG", 6),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("fit", ["resize", "pad", "crop", "squash"])
def test_a_whole_image_is_as_if_decoded_and_then_converted(photo, kind, channels, fit):
    encoded = FILES[kind](photo)
    for size in ((32, 32), (151, 205), (300, 64)):
        adapter = Adapter(size, channels, fit)
        expected = adapter.one(decode(encoded, channels=channels))
        np.testing.assert_array_equal(read(encoded, adapter), expected)


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_a_crop_that_is_not_much_larger_is_equal_too(photo, kind, interpolation):
    encoded = FILES[kind](photo)
    adapter = Adapter((48, 40), 3, interpolation=interpolation)
    box = (3.3, 2.1, 140.5, 149.25)
    sizes = []

    def window(height, width):
        sizes.append((height, width))
        return box

    got = read(encoded, adapter, window)
    upright = decode(encoded)
    np.testing.assert_array_equal(got, adapter.one(upright, box))
    assert sizes == [upright.shape[:2]]


def test_a_window_may_leave_the_image_whole(photo):
    encoded, adapter = _encoded(photo, "JPEG"), Adapter((16, 16), 3, "crop")
    np.testing.assert_array_equal(
        read(encoded, adapter, lambda height, width: None), read(encoded, adapter)
    )


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("size", [(8, 10), (15, 20), (30, 40)])
def test_a_much_larger_crop_is_close(photo, kind, size):
    # 8 reduces by 8, 15 and 30 by 4 and 2, unless a turned image would not divide.
    encoded = FILES[kind](photo)
    height, width = decode(encoded).shape[:2]
    box = (2.5, 1.25, width - 0.5, height - 1)
    adapter = Adapter(size, 3)
    got = read(encoded, adapter, lambda height, width: box).astype(int)
    error = np.abs(got - adapter.one(decode(encoded), box))
    assert error.max() <= 16
    assert error.mean() <= 1.5


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_turned_crop_comes_from_the_same_place(photo, turn, monkeypatch):
    even = photo.resize((200, 152))
    encoded = _turned(even, "JPEG", turn)
    width = decode(encoded).shape[1]
    # A strip along one edge, eight times as large as the result: an error of one
    # reduced pixel would take it from another place.
    box = (0, 0, width, 32)
    factors = []
    monkeypatch.setattr(
        "keras_cnnzoo.data.reading.decoded",
        lambda image, channels, factor: (
            factors.append(factor) or decoding.decoded(image, channels, factor)
        ),
    )
    adapter = Adapter((4, width // 8), 3)
    got = read(encoded, adapter, lambda height, width: box).astype(int)
    assert factors == [4]
    assert np.abs(got - adapter.one(decode(encoded), box)).mean() < 1.5


def test_very_large_images_are_reduced_whatever_the_crop(photo, monkeypatch):
    monkeypatch.setattr(decoding, "LARGE_PIXELS", 100)
    monkeypatch.setattr(decoding, "LEAST_SIDE", 16)
    box, adapter = (20, 10, 180, 130), Adapter((40, 50), 3)
    for kind in ("JPEG", "PNG"):
        encoded = _encoded(photo, kind)
        got = read(encoded, adapter, lambda height, width: box).astype(int)
        expected = np.asarray(photo.resize((50, 40), BILINEAR, box))
        assert np.abs(got - expected).mean() < 6
        whole = adapter.one(decode(encoded))
        np.testing.assert_array_equal(read(encoded, adapter), whole)


def test_photographs_are_reduced_within_the_stated_bound(shared):
    """By factor: the mean and the largest difference from the whole photograph."""
    paths = sorted(shared.glob("bccd/**/*.jpg"))[:10]
    assert paths
    for factor in (2, 4, 8):
        means, most = [], 0
        for path in paths:
            with Image.open(path) as image:
                box = (13.3, 7.7, image.width - 9.1, image.height - 3.2)
                size = (
                    int((box[2] - box[0]) / factor / 2),
                    int((box[3] - box[1]) / factor / 2),
                )
                expected = image.convert("RGB").resize(size, BILINEAR, box)
            adapter = Adapter(size[::-1], 3)
            got = read(path, adapter, lambda height, width, box=box: box).astype(int)
            error = np.abs(got - np.asarray(expected))
            means.append(error.mean())
            most = max(most, error.max())
        assert np.mean(means) <= 0.6
        assert most <= 16
