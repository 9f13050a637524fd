"""How well a score tells one class from the others, over all thresholds.

An image is predicted as positive if its score is at least the threshold, so that images
of equal score are on the same side of it.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RocCurve:
    """The receiver operating characteristic of a score.

    Arrays with an entry for each threshold, from the highest to the lowest.

    Attributes:
        thresholds: Infinity, above which nothing is positive, and each distinct score.
        true_positives: Number of positive images with at least this score.
        false_positives: Number of negative images with at least this score.
    """

    thresholds: np.ndarray
    true_positives: np.ndarray
    false_positives: np.ndarray

    @classmethod
    def of(cls, positive: np.ndarray, scores: np.ndarray) -> "RocCurve":
        """Compute the curve.

        Args:
            positive: Whether each image is of the class, `(n,)`.
            scores: The score of each image, such as its probability, `(n,)`.

        Raises:
            ValueError: All images are positive, or none is, or a score is NaN.
        """
        positive = np.asarray(positive, bool)
        scores = np.asarray(scores, "float64")
        if positive.all() or not positive.any():
            raise ValueError(
                f"A ROC curve needs positive and negative images. Received "
                f"{positive.sum()} positive ones of {len(positive)}."
            )
        if np.isnan(scores).any():
            raise ValueError("Scores that are NaN have no order, so no ROC curve.")
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        # The last image of each run of equal scores.
        last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
        true = np.cumsum(positive[order])[last]
        return cls(
            thresholds=np.append(np.inf, ranked[last]),
            true_positives=np.append(0, true),
            false_positives=np.append(0, last + 1 - true),
        )

    @property
    def sensitivity(self) -> np.ndarray:
        """Share of the positive images that are predicted as positive, the recall."""
        return self.true_positives / self.true_positives[-1]

    @property
    def specificity(self) -> np.ndarray:
        """Share of the negative images that are predicted as negative."""
        return 1 - self.false_positives / self.false_positives[-1]

    @property
    def area(self) -> float:
        """The area under the curve: 1 is a perfect order, 0.5 that of chance.

        It is the probability that a positive image has a higher score than a negative
        one, where equal scores count half.

        Source:
            Fawcett, An introduction to ROC analysis, 2006, section 7,
            https://doi.org/10.1016/j.patrec.2005.10.010.
        """
        heights = self.sensitivity[1:] + self.sensitivity[:-1]
        return float(-np.diff(self.specificity) @ heights / 2)

    @property
    def average_precision(self) -> float:
        """The mean precision over all increases of the recall.

        This is the area under the steps of the precision-recall curve; unlike under
        straight lines, it is never too optimistic.

        Source:
            Davis and Goadrich, The Relationship Between Precision-Recall and ROC
            Curves, 2006, https://doi.org/10.1145/1143844.1143874.
        """
        true, false = self.true_positives[1:], self.false_positives[1:]
        return float((np.diff(self.sensitivity) * true / (true + false)).sum())

    def at_specificity(self, specificity: float) -> "OperatingPoint":
        """Return the most sensitive threshold with at least this specificity.

        Args:
            specificity: From 0 to 1.

        Raises:
            ValueError: `specificity` is outside of 0..1.
        """
        if not 0 <= specificity <= 1:
            raise ValueError(
                f"A specificity is a share from 0 to 1. Received: {specificity}"
            )
        # A count that is allowed exactly must not be lost by rounding.
        allowed = np.flatnonzero(self.specificity >= specificity - 1e-12)
        # Of equally sensitive thresholds, the first is the most specific.
        best = allowed[np.argmax(self.true_positives[allowed])]
        return OperatingPoint(
            threshold=float(self.thresholds[best]),
            sensitivity=float(self.sensitivity[best]),
            specificity=float(self.specificity[best]),
        )


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, and the sensitivity and specificity that it has.

    An image is positive if its score is at least `threshold`; with infinity, none is.
    """

    threshold: float
    sensitivity: float
    specificity: float
