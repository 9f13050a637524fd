import numpy as np
import pytest
from PIL import Image

from keras_cnnzoo import data
from keras_cnnzoo.cards import Preprocessing


@pytest.fixture
def photos(rng):
    """Smooth colour images, higher than wide."""
    small = rng.integers(0, 256, (3, 9, 6, 3), dtype="uint8")
    grow = [
        Image.fromarray(x).resize((60, 90), Image.Resampling.BICUBIC) for x in small
    ]
    return np.stack(grow)


def _adapt(photos, **how):
    labels = np.arange(len(photos))
    images, _ = data.load((photos, labels), validation=0, **how).train.arrays()
    return images


def _pil(photos, change):
    return np.stack([np.asarray(change(Image.fromarray(x))) for x in photos])


def test_resize_is_pillows(photos):
    expected = _pil(photos, lambda x: x.resize((24, 32), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(_adapt(photos, image_size=(32, 24)), expected)


def test_grey_is_pillows_luma(photos):
    expected = _pil(photos, lambda x: x.convert("L"))[..., None]
    np.testing.assert_array_equal(_adapt(photos, channels=1), expected)


def test_floating_images_are_converted_and_resized_alike(photos):
    how = {"image_size": 32, "channels": 1}
    floating = _adapt(photos.astype("float32"), **how)
    # 8-bit pixels are rounded after luma and after each of two passes.
    assert np.abs(floating - _adapt(photos, **how)).max() < 2


def test_more_channels_than_colours(rng):
    x = rng.integers(0, 256, (2, 12, 12, 4), dtype="uint8")
    resized = _adapt(x, image_size=6)
    expected = _pil(
        np.moveaxis(x, -1, 1).reshape(-1, 12, 12),
        lambda p: p.resize((6, 6), Image.Resampling.BILINEAR),
    )
    expected = np.moveaxis(expected.reshape(2, 4, 6, 6), 1, -1)
    assert np.abs(resized.astype(float) - expected).max() <= 1
    with pytest.raises(ValueError, match="4 channels"):
        _adapt(x, channels=1)


def test_crop_is_the_published_evaluation(photos):
    # Shorter side to 48 / 0.75 = 64, then the central 48: 60x90 becomes 64x96.
    def change(x):
        return x.resize((64, 96), Image.Resampling.BICUBIC).crop((8, 24, 56, 72))

    fit = Preprocessing(crop=0.75, interpolation="bicubic")
    got = _adapt(photos, image_size=48, fit=fit)
    np.testing.assert_array_equal(got, _pil(photos, change))


def test_crop_by_name_keeps_seven_eighths(photos):
    def change(x):
        return x.resize((64, 96), Image.Resampling.BILINEAR).crop((4, 20, 60, 76))

    got = _adapt(photos, image_size=56, fit="crop")
    np.testing.assert_array_equal(got, _pil(photos, change))


def test_pad_centres_what_is_smaller_and_shrinks_what_is_larger(photos):
    padded = _adapt(photos, image_size=100, fit="pad")
    np.testing.assert_array_equal(padded[:, 5:95, 20:80], photos)
    assert padded.sum() == photos.astype("float64").sum()
    shrunk = _adapt(photos, image_size=45, fit="pad")
    expected = _pil(photos, lambda x: x.resize((30, 45), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(shrunk[:, :, 7:37], expected)
    assert not shrunk[:, :, :7].any()
    assert not shrunk[:, :, 37:].any()


@pytest.mark.parametrize("fit", ["resize", "pad", "crop", "squash"])
def test_one_pixel_is_enough(fit):
    images = _adapt(np.full((2, 1, 7, 1), 200, "uint8"), image_size=5, fit=fit)
    assert images.shape == (2, 5, 5, 1)
    assert images.max() == 200


def test_large_sets_are_adapted_batch_by_batch(photos, monkeypatch):
    whole = _adapt(photos, image_size=32, fit="crop")
    monkeypatch.setattr("keras_cnnzoo.data.examples.MAX_ADAPTED_BYTES", 0)
    np.testing.assert_array_equal(_adapt(photos, image_size=32, fit="crop"), whole)


def test_sets_of_different_sizes_need_a_size(photos):
    sets = {"train": (photos, [0, 1, 2]), "test": (photos[:, :50], [0, 1, 2])}
    with pytest.raises(ValueError, match="image_size=224"):
        data.load(sets, validation=0)
    assert data.load(sets, validation=0, image_size=9).image_shape == (9, 9, 3)
