"""Class weights for data whose classes differ in size."""

from collections.abc import Sequence

import numpy as np


def balanced_class_weights(
    labels: Sequence[int] | np.ndarray, classes: int | None = None
) -> dict[int, float]:
    """Return weights with which every class counts the same in the loss.

    A class has the weight `images / (classes * images of the class)`, so that the mean
    weight of an image is 1. Pass the result as `class_weight` to `fit`.

    Args:
        labels: The class number of every training image.
        classes: Number of classes; None takes the largest label and all below. Classes
            without images do not count, and have the weight 0.

    Raises:
        ValueError: There are no labels, or one is not a number below `classes`.

    Example:
        >>> balanced_class_weights([0, 0, 0, 1])
        {0: 0.6666666666666666, 1: 2.0}

    Source:
        King and Zeng, "Logistic Regression in Rare Events Data", 2001, as in
        scikit-learn's `compute_class_weight("balanced")`.
    """
    numbers = np.asarray(labels)
    if numbers.ndim != 1 or not numbers.size or numbers.dtype.kind not in "iu":
        raise ValueError(
            "`labels` are the class numbers of one image or more, in one list. "
            f"Received: {numbers.dtype} of shape {numbers.shape}"
        )
    many = int(numbers.max()) + 1 if classes is None else classes
    if numbers.min() < 0 or numbers.max() >= many:
        wrong = numbers.min() if numbers.min() < 0 else numbers.max()
        raise ValueError(
            f"Labels are from 0 to {many - 1}, one less than `classes`. "
            f"Received: {wrong}"
        )
    counts = np.bincount(numbers, minlength=many)
    share = len(numbers) / np.count_nonzero(counts)
    weights = np.divide(share, counts, out=np.zeros(many), where=counts > 0)
    return dict(enumerate(weights.tolist()))
