"""Find images that are likely labelled wrong, by confident learning."""

from typing import Any, Literal

import numpy as np

#: By how much a probability may be below a threshold that it reaches otherwise.
ROUNDING = 1e-6


def label_issues(
    labels: Any,
    probabilities: Any,
    *,
    rank_by: Literal["self_confidence", "normalized_margin"] = "self_confidence",
) -> np.ndarray:
    """Find images whose label is likely wrong, the most likely first.

    How often a class was labelled as another one is estimated from the images that are
    confidently of another class than their label. As many images are returned, those
    whose other class is more probable than their own by the most. Images of which the
    label is the most probable class are never returned.

    The probabilities must come from a model that was not trained on these images, such
    as from cross-validation: a model learns wrong labels by heart.

    Args:
        labels: The class of each image as labelled, `(n,)`.
        probabilities: The probability of each class, `(n, classes)`.
        rank_by: Order by the probability of the label ("self_confidence"), or by that
            minus the highest of another class ("normalized_margin").

    Returns:
        Indices of images; the same as those of `cleanlab.filter.find_label_issues`.

    Raises:
        ValueError: The shapes do not match, a label is not among the classes, or a
            probability is not from 0 to 1.

    Source:
        Northcutt, Jiang, Chuang, Confident Learning: Estimating Uncertainty in Dataset
        Labels, 2021, section 3, "prune by noise rate", https://arxiv.org/abs/1911.00068.

    Example:
        >>> sure = np.array([[0.9, 0.1]] * 5 + [[0.1, 0.9]] * 5)
        >>> label_issues([0, 0, 0, 1, 0, 1, 1, 1, 1, 1], sure)
        array([3])
    """
    labels, probabilities = _checked(labels, probabilities)
    of_label = probabilities[np.arange(len(labels)), labels]
    found = np.zeros(len(labels), bool)
    wrong = _to_find(confident_joint(labels, probabilities))
    for own, other in zip(*np.nonzero(wrong), strict=True):
        members = np.flatnonzero(labels == own)
        if len(members) > 1:
            margin = probabilities[members, other] - of_label[members]
            found[members[np.argsort(-margin)[: wrong[own, other]]]] = True
    nudged = probabilities.copy()
    nudged[np.arange(len(labels)), labels] += ROUNDING
    indices = np.flatnonzero(found & (nudged.argmax(axis=1) != labels))
    quality = of_label
    if rank_by == "normalized_margin":
        others = probabilities.copy()
        others[np.arange(len(labels)), labels] = -np.inf
        quality = of_label - others.max(axis=1)
    elif rank_by != "self_confidence":
        raise ValueError(
            'Label issues are ranked by "self_confidence" or "normalized_margin". '
            f"Received: {rank_by!r}"
        )
    return indices[np.argsort(quality[indices])]


def confident_joint(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Estimate how many images of each label are of each class.

    An image is confidently of a class if the probability of the class is at least its
    mean over the images with that label. If it is so of several, the class with the
    highest probability counts, as in cleanlab.

    Args:
        labels: The class of each image as labelled, `(n,)`.
        probabilities: The probability of each class, `(n, classes)`.

    Returns:
        Counts `(classes, classes)`, labels by classes. Each row sums to the number of
        images with that label.
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    # No image is confidently of a class without images.
    thresholds = np.full(classes, np.inf)
    for index in np.flatnonzero(counts):
        mean = probabilities[labels == index, index].mean()
        thresholds[index] = max(mean, 2 * ROUNDING)
    confident = probabilities >= thresholds - ROUNDING
    several = confident.sum(axis=1) > 1
    likely = np.where(several, probabilities.argmax(axis=1), confident.argmax(axis=1))
    some = confident.any(axis=1)
    joint = np.zeros((classes, classes))
    np.add.at(joint, (labels[some], likely[some]), 1)
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    joint = joint / joint.sum(axis=1, keepdims=True) * counts[:, None]
    # This changes the last digits only, which decide how cleanlab rounds exact halves.
    joint = joint / np.asfortranarray(joint).sum() * len(labels)
    return np.stack([_rounded(row) for row in joint])


def _rounded(row: np.ndarray) -> np.ndarray:
    """Round to whole numbers whose sum is the rounded sum."""
    whole = row.round()
    missing = int(row.sum().round() - whole.sum())
    order = np.argsort(row - whole)
    if missing > 0:
        whole[order[-missing:]] += 1
    elif missing < 0:
        whole[order[:-missing]] -= 1
    return whole.astype(int)


def _to_find(joint: np.ndarray) -> np.ndarray:
    """Return how many images of each label to find of each other class."""
    wrong = joint.copy()
    np.fill_diagonal(wrong, 0)
    # An image of each class has to be right.
    wrong -= (joint.diagonal() == 0)[:, None]
    return np.maximum(wrong, 0)


def _checked(labels: Any, probabilities: Any) -> tuple[np.ndarray, np.ndarray]:
    labels = np.asarray(labels)
    probabilities = np.asarray(probabilities, "float64")
    if labels.ndim != 1 or probabilities.shape[:1] != labels.shape:
        raise ValueError(
            "Labels are (n,) and probabilities (n, classes). Received shapes "
            f"{labels.shape} and {probabilities.shape}."
        )
    classes = probabilities.shape[1]
    if not len(labels) or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"Labels are numbers from 0 to {classes - 1}, the columns of the "
            f"probabilities. Received: {np.unique(labels)}"
        )
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-5)).all():
        raise ValueError(
            "Probabilities are from 0 to 1. Received values from "
            f"{probabilities.min():.3g} to {probabilities.max():.3g}; use a model with "
            "a softmax."
        )
    return labels.astype(int), probabilities
