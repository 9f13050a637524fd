"""Random erasing, with timm's boxes."""

import types

import numpy as np
import pytest
from torch_references import reference

from keras_cnnzoo.training import Erasing
from keras_cnnzoo.training.erasing import DEVIATION, MEAN, TRIES

pytestmark = pytest.mark.once


@pytest.mark.parametrize("size", [(32, 32), (20, 60), (3, 40)])
def test_boxes_are_those_of_timm(size, monkeypatch):
    theirs = reference("timm.data.random_erasing")
    torch = pytest.importorskip("torch")
    images = np.full((40, *size, 3), 7.0)
    ours = Erasing(probability=0.6, fill="mean")(images, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    hit, tries, places = (rng.random(shape) for shape in (40, (40, TRIES, 2), (40, 2)))
    erase = theirs.RandomErasing(probability=0.6, device="cpu")
    for index, image in enumerate(ours):
        sides, place = iter(tries[index].ravel()), iter(places[index])
        drawn = types.SimpleNamespace(
            random=lambda index=index: hit[index],
            uniform=lambda low, high, n=sides: low + (high - low) * next(n),
            randint=lambda low, high, n=place: low + int((high - low + 1) * next(n)),
        )
        monkeypatch.setattr(theirs, "random", drawn)
        wanted = erase(torch.full((3, *size), 7.0)).numpy() == 0
        np.testing.assert_array_equal(image.transpose(2, 0, 1) != 7, wanted)
    assert 0 < (ours != 7).any(axis=(1, 2, 3)).sum() < 40


def test_areas_and_noise_are_as_stated(rng):
    images = np.full((400, 64, 64, 3), 1000.0, "float32")
    erased = Erasing(probability=1.0)(images, rng)
    gone = (erased != 1000).all(axis=-1)
    areas = gone.mean(axis=(1, 2))
    assert areas.min() > 0.018
    assert areas.max() < 0.35
    assert areas.mean() == pytest.approx((0.02 + 1 / 3) / 2, abs=0.02)
    np.testing.assert_allclose(erased[gone].mean(axis=0), MEAN, rtol=0.01)
    np.testing.assert_allclose(erased[gone].std(axis=0), DEVIATION, rtol=0.01)
    with_box = (Erasing(probability=0.25)(images, rng) != 1000).any(axis=(1, 2, 3))
    assert with_box.mean() == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_bytes_of_any_channels_first_or_last(channels):
    images = np.zeros((3, 12, 10, channels), "uint8")
    last = Erasing(probability=1)(images, np.random.default_rng(0))
    first = Erasing(probability=1, data_format="channels_first")(
        images.transpose(0, 3, 1, 2), np.random.default_rng(0)
    )
    assert last.dtype == np.uint8
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)
    assert images.max() == 0
    assert last.max() > 150


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"probability": 2}, "`probability` is from 0 to 1. Received: 2"),
        ({"area": (0.5, 0.1)}, r"`area` .* up to 1. Received: \(0.5, 0.1\)"),
        ({"aspect": (0, 1)}, "`aspect`"),
        ({"fill": "zero"}, "'noise' or 'mean'. Received: 'zero'"),
    ],
)
def test_what_cannot_be_is_said(settings, message):
    with pytest.raises(ValueError, match=message):
        Erasing(**settings)
