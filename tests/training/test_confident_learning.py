"""Wrong labels are found as cleanlab finds them."""

import warnings

import numpy as np
import pytest

from keras_cnnzoo.training import label_issues
from keras_cnnzoo.training.confident_learning import confident_joint

pytestmark = pytest.mark.once

RANKS = ("self_confidence", "normalized_margin")


def _noisy(rng, classes, count, *, noise=0.15, certainty=2.0, unused=0):
    """Make labels of which some are wrong, and probabilities that know better."""
    truth = rng.choice(classes - unused, count)
    wrong = rng.random(count) < noise
    labels = np.where(wrong, rng.choice(classes - unused, count), truth)
    logits = rng.normal(0, 1, (count, classes))
    logits[np.arange(count), truth] += certainty
    answers = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, answers, truth


CASES = {
    "two classes": {"classes": 2, "count": 300},
    "many": {"classes": 10, "count": 2000},
    "few images": {"classes": 10, "count": 60},
    "much noise": {"classes": 5, "count": 500, "noise": 0.6},
    "not sure": {"classes": 6, "count": 800, "certainty": 0.3},
    "knows nothing": {"classes": 4, "count": 100, "certainty": 0.0},
    "unused classes": {"classes": 8, "count": 400, "unused": 3},
}


@pytest.mark.parametrize("rank_by", RANKS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("seed", range(4))
def test_they_are_those_of_cleanlab(case, rank_by, seed):
    pytest.importorskip("cleanlab", reason="cleanlab is not installed")
    from cleanlab.count import compute_confident_joint
    from cleanlab.filter import find_label_issues

    labels, answers, _ = _noisy(np.random.default_rng(seed), **case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        joint = compute_confident_joint(labels, answers)
        expected = find_label_issues(
            labels, answers, return_indices_ranked_by=rank_by, n_jobs=1
        )
    np.testing.assert_array_equal(confident_joint(labels, answers), joint)
    found = label_issues(labels, answers, rank_by=rank_by)
    np.testing.assert_array_equal(found, expected)


def test_wrong_labels_are_found(rng):
    labels, answers, truth = _noisy(rng, 10, 3000, noise=0.05, certainty=6.0)
    found = label_issues(labels, answers)
    wrong = np.flatnonzero(labels != truth)
    both = np.intersect1d(found, wrong)
    assert len(both) > 0.9 * len(wrong)
    assert len(both) > 0.9 * len(found)


def test_right_labels_are_left_alone():
    labels = np.arange(40) % 4
    assert len(label_issues(labels, np.eye(4)[labels])) == 0


def test_each_row_counts_the_images_of_its_label(rng):
    labels, answers, _ = _noisy(rng, 7, 500)
    joint = confident_joint(labels, answers)
    np.testing.assert_array_equal(joint.sum(axis=1), np.bincount(labels, minlength=7))


@pytest.mark.parametrize(
    ("labels", "answers", "says"),
    [
        ([0, 1], np.ones((3, 2)) / 2, r"Received shapes \(2,\) and \(3, 2\)"),
        ([0, 5], np.ones((2, 2)) / 2, "numbers from 0 to 1"),
        ([0, 1], np.array([[3.0, 1.0], [0, 1]]), "use a model with a softmax"),
        ([0, 1], np.array([[np.nan, 1.0], [0, 1]]), "from 0 to 1"),
        ([], np.ones((0, 2)), "numbers from 0 to 1"),
    ],
)
def test_mistakes_are_named(labels, answers, says):
    with pytest.raises(ValueError, match=says):
        label_issues(labels, answers)
    with pytest.raises(ValueError, match="Received: 'margin'"):
        label_issues([0, 1], np.eye(2), rank_by="margin")
