import numpy as np
from sklearn.datasets import load_digits

from keras_cnnzoo import data


def _rows(images):
    return {image.tobytes() for image in images}


def test_digits_are_scikit_learns():
    theirs = load_digits()
    ours = data.load("digits", validation=0)
    images, labels = (
        np.concatenate(parts)
        for parts in zip(ours.train.arrays(), ours.test.arrays(), strict=True)
    )
    assert np.bincount(labels).tolist() == np.bincount(theirs.target).tolist()
    # Each scan, brought back to its count of ink, is one of theirs.
    ink = np.rint(images[..., 0] * (16 / 255)).astype("uint8")
    pairs = {(x.tobytes(), y) for x, y in zip(ink, labels, strict=True)}
    reference = theirs.images.astype("uint8")
    assert pairs == {
        (x.tobytes(), y) for x, y in zip(reference, theirs.target, strict=True)
    }
    assert images.min() == 0
    assert images.max() == 255


def test_test_set_is_fixed_and_takes_a_fifth_of_each_class():
    one, two = (data.load("digits", seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(one.test.arrays()[0], two.test.arrays()[0])
    assert _rows(one.validation.arrays()[0]) != _rows(two.validation.arrays()[0])
    counts = np.bincount(load_digits().target)
    assert np.bincount(one.test.labels()).tolist() == (counts // 5).tolist()


def test_sets_share_no_image():
    digits = data.load("digits")
    sets = [_rows(s.arrays()[0]) for s in digits.sets.values()]
    assert sum(map(len, sets)) == len(set.union(*sets)) == 1797


def test_repr_says_what_there_is():
    text = repr(data.load("digits"))
    for part in ("(8, 8, 1)", "10 classes", "1,298", "144", "355"):
        assert part in text
