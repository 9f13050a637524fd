"""Mixup and CutMix, equal to timm's."""

import types

import numpy as np
import pytest
from torch_references import reference

from keras_cnnzoo.training import CrossEntropy, Mixing
from keras_cnnzoo.training.mixing import blend, draw_box, paste

pytestmark = pytest.mark.once


class Drawn(types.ModuleType):
    """NumPy for timm, with random numbers from a generator."""

    def __init__(self, rng):
        super().__init__("numpy")
        self.random = types.SimpleNamespace(
            rand=rng.random,
            beta=rng.beta,
            randint=lambda low, high, size=None: rng.integers(low, high, size),
        )

    def __getattr__(self, name):
        return getattr(np, name)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"mixup": 0.0, "cutmix": 0.5},
        {"mixup": 1.0, "cutmix": 0.0, "smoothing": 0.0},
        {"probability": 0.5, "switch": 0.2},
    ],
)
def test_batches_are_those_of_timm(seed, settings, monkeypatch, rng):
    theirs = reference("timm.data.mixup")
    torch = pytest.importorskip("torch")
    images = rng.uniform(0, 255, (6, 17, 12, 3)).astype("float32")
    labels = rng.integers(0, 4, 6)
    mixing = Mixing(**settings)
    ours, rows = mixing(images, labels, 4, np.random.default_rng(seed))
    monkeypatch.setattr(theirs, "np", Drawn(np.random.default_rng(seed)))
    mixed, wanted = theirs.Mixup(
        mixup_alpha=mixing.mixup,
        cutmix_alpha=mixing.cutmix,
        switch_prob=mixing.switch,
        prob=mixing.probability,
        label_smoothing=mixing.smoothing,
        num_classes=4,
    )(torch.tensor(images.transpose(0, 3, 1, 2)), torch.tensor(labels))
    np.testing.assert_allclose(ours, mixed.numpy().transpose(0, 2, 3, 1), atol=1e-4)
    np.testing.assert_allclose(rows, wanted.numpy(), atol=1e-6)
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-6)


def test_bytes_are_rounded_as_by_timm(rng):
    images = rng.integers(0, 256, (4, 5, 5, 3)).astype("uint8")
    mixed = blend(images, 0.3)
    assert mixed.dtype == np.uint8
    exact = 0.3 * images.astype(float) + 0.7 * images[::-1].astype(float)
    assert np.abs(mixed - exact).max() <= 0.5 + 1e-5


@pytest.mark.parametrize("settings", [{"mixup": 0}, {"mixup": 1, "cutmix": 0}])
def test_channels_may_come_first_and_the_batch_is_not_changed(settings, rng):
    images = rng.integers(0, 256, (5, 9, 7, 3)).astype("uint8")
    before, labels = images.copy(), np.array([0, 1, 2, 0, 1])
    last, rows = Mixing(**settings)(images, labels, 3, np.random.default_rng(1))
    first, same = Mixing(**settings, data_format="channels_first")(
        images.transpose(0, 3, 1, 2), labels, 3, np.random.default_rng(1)
    )
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)
    np.testing.assert_array_equal(rows, same)
    np.testing.assert_array_equal(images, before)
    assert (last != before).any()


def test_the_share_of_a_label_is_that_of_its_pixels(rng):
    images = np.broadcast_to(np.arange(8.0)[:, None, None, None], (8, 20, 30, 1))
    for seed in range(20):
        mixed, rows = Mixing(mixup=0, smoothing=0)(
            images, np.arange(8), 8, np.random.default_rng(seed)
        )
        pixels = [(mixed == label).mean(axis=(1, 2, 3)) for label in range(8)]
        np.testing.assert_allclose(rows.T, pixels, atol=1e-6)


def test_boxes_have_the_drawn_share_unless_they_are_cut_off():
    rng = np.random.default_rng(0)
    boxes = np.array([draw_box(rng, (200, 100), 0.75) for _ in range(400)])
    heights, widths = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    assert (heights.max(), widths.max()) == (100, 50)
    assert boxes.min() >= 0
    assert boxes[:, 1].max() == 200
    assert paste(np.zeros((2, 3, 3, 1)), (0, 0, 0, 0)).sum() == 0


def test_the_loss_takes_mixed_labels(rng):
    images, labels = np.zeros((6, 4, 4, 3), "uint8"), np.arange(6) % 3
    _, rows = Mixing()(images, labels, 3, rng)
    predictions = rng.dirichlet(np.ones(3), 6).astype("float32")
    wanted = np.mean(-(rows * np.log(predictions)).sum(axis=1))
    assert float(CrossEntropy()(rows, predictions)) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Mixing(mixup=0, cutmix=0), "both 0"),
        (lambda: Mixing(switch=1.5), "`switch` is from 0 to 1. Received: 1.5"),
        (lambda: _mix(np.array([0.0, 1.0])), "float64"),
        (lambda: _mix(np.array([0, 4])), "from 0 to 3.* Received: 0 to 4"),
        (lambda: _mix(np.array([0, 1, 2])), "2 images have 3 labels"),
    ],
)
def test_what_cannot_be_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def _mix(labels):
    Mixing()(np.zeros((2, 4, 4, 3)), labels, 4, np.random.default_rng(0))
