"""Which images an epoch has, how often, and of which size."""

import itertools

import numpy as np
import pytest
from PIL import Image
from torch_references import reference

from keras_cnnzoo import data
from keras_cnnzoo.data import Augmentation, RandAugment, TrivialAugmentWide

pytestmark = pytest.mark.once


def _numbered(count, side=4):
    """Return images whose left half holds their number, and numbers as labels."""
    images = np.zeros((count, side, side, 3), np.uint8)
    images[:, :, : side // 2] = np.arange(count)[:, None, None, None]
    return images, np.arange(count)


def _loaded(augment, count=40, **kwargs):
    return data.load(
        _numbered(count), validation=0, batch_size=7, augment=augment, **kwargs
    ).train


def _epoch(train, epoch):
    batches = [train.batches.read(epoch, i) for i in range(train.batches.per_epoch)]
    return tuple(map(np.concatenate, zip(*batches, strict=True)))


def test_flips_alternate():
    train = _loaded(Augmentation(flip="alternate"))
    flipped = []
    for epoch in range(4):
        images, labels = _epoch(train, epoch)
        assert sorted(labels) == list(range(40))
        at_right = images[:, 0, -1, 0] == labels
        assert (at_right | (images[:, 0, 0, 0] == labels)).all()
        # Number 0 is black on both sides.
        flipped.append(at_right[np.argsort(labels)][1:])
    assert 8 < flipped[0].sum() < 32
    for before, after in itertools.pairwise(flipped):
        np.testing.assert_array_equal(before, ~after)


@pytest.mark.parametrize("repeats", [2, 3])
def test_images_are_repeated_as_by_timm(repeats):
    train = _loaded(Augmentation(crop_pad=1, repeats=repeats))
    images, labels = _epoch(train, 0)
    sampler = reference("timm.data.distributed_sampler").RepeatAugSampler(
        range(40), num_replicas=1, rank=0, num_repeats=repeats, selected_round=0
    )
    theirs = list(sampler)[:40]

    def pattern(numbers):
        """Return each number as the place where it was first."""
        return [list(numbers).index(number) for number in numbers]

    assert pattern(labels) == pattern(theirs)
    twice = labels[:-1] == labels[1:]
    differ = (images[:-1] != images[1:])[twice].any(axis=(1, 2, 3))
    assert differ.mean() > 0.5, "copies are augmented alike"
    assert set(_epoch(train, 1)[1]) != set(labels)


def test_sizes_change_from_epoch_to_epoch(rng):
    pixels = rng.integers(0, 256, (10, 40, 30, 3), np.uint8)
    given = (pixels, np.arange(10) % 2)
    train = data.load(
        {"train": given, "validation": given},
        image_size=24,
        batch_size=4,
        train_sizes=(12, 16, (20, 18)),
    )
    assert train.image_shape == (24, 24, 3)
    assert train.validation[0][0].shape == (4, 24, 24, 3)
    for epoch, size in enumerate([(12, 12), (16, 16), (20, 18), (20, 18)]):
        train.train.epoch = epoch
        assert train.train.image_shape == (*size, 3)
        fixed = data.load(given, image_size=size, batch_size=4, validation=0).train
        for ours, theirs in zip(
            _epoch(train.train, epoch), _epoch(fixed, epoch), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("crop", [None, (0.3, 1.0)])
def test_files_are_read_in_every_size(tmp_path, rng, crop):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(3):
            image = Image.fromarray(rng.integers(0, 256, (50, 60, 3), np.uint8))
            image.save(tmp_path / name / f"{i}.png")
    given = {"augment": Augmentation(area=crop), "validation": 0, "batch_size": 6}
    many = data.load(tmp_path, image_size=32, train_sizes=(16, 24), **given).train
    for epoch, size in enumerate((16, 24)):
        one = data.load(tmp_path, image_size=size, **given).train
        for ours, theirs in zip(_epoch(many, epoch), _epoch(one, epoch), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("policy", [RandAugment(), TrivialAugmentWide()])
def test_a_policy_changes_every_image_differently(rng, policy):
    pixels = np.repeat(rng.integers(0, 256, (1, 16, 16, 3), np.uint8), 30, axis=0)
    name = type(policy).__name__.lower().removesuffix("wide")
    augment = Augmentation(**{name: policy})
    train = data.load(
        (pixels, np.arange(30) % 2), augment=augment, validation=0, batch_size=30
    ).train
    changed, again, next_one = (train.batches.read(e, 0)[0] for e in (0, 0, 1))
    assert changed.dtype == np.uint8
    np.testing.assert_array_equal(changed, again)
    assert (changed != next_one).any()
    assert len({image.tobytes() for image in changed}) > 10


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        ({"flip": "always"}, "True, False or 'alternate'"),
        ({"repeats": 0}, "`repeats` is at least 1"),
        ({"repeats": 2, "flip": "alternate"}, "leave `repeats` out"),
        (
            {"randaugment": RandAugment(), "trivialaugment": TrivialAugmentWide()},
            "not both",
        ),
    ],
)
def test_settings_that_exclude_each_other_are_refused(settings, answer):
    with pytest.raises(ValueError, match=answer):
        Augmentation(**settings)


def test_a_policy_is_for_bytes(rng):
    pixels = rng.uniform(0, 255, (4, 8, 8, 3)).astype("float32")
    augment = Augmentation(randaugment=RandAugment(probability=1))
    train = data.load((pixels, np.arange(4) % 2), augment=augment, validation=0).train
    with pytest.raises(TypeError, match="An image is uint8"):
        train[0]


def test_a_bad_size_is_refused(rng):
    one = data.load("digits", image_size=16, train_sizes=12).train
    assert one[0][0].shape[1:] == (12, 12, 1)
    with pytest.raises(ValueError, match="`train_sizes` is a number of pixels"):
        data.load("digits", train_sizes=(8, 0))
