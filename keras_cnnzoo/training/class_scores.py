"""Precision, recall and F1 of each class, from a confusion matrix."""

from dataclasses import dataclass

import numpy as np

MEASURES = ("precision", "recall", "f1")


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall, F1 and number of images of each class, arrays `(classes,)`.

    A score whose denominator is zero, such as the precision of a class that was never
    predicted, is 0, as in scikit-learn.

    Attributes:
        precision: Of the images that were predicted as the class, the share that is
            of it.
        recall: Of the images of the class, the share that was predicted as such.
        f1: The harmonic mean of both.
        support: Number of images of the class.
        predicted: Number of images that were predicted as the class.
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    predicted: np.ndarray

    @classmethod
    def of(cls, confusion: np.ndarray) -> "ClassScores":
        """Compute the scores from counts `(classes, classes)`, true by predicted.

        Example:
            >>> ClassScores.of(np.array([[3, 1], [0, 4]])).recall.tolist()
            [0.75, 1.0]
        """
        right = confusion.diagonal().astype("float64")
        support, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
        return cls(
            precision=right / np.maximum(predicted, 1),
            recall=right / np.maximum(support, 1),
            f1=2 * right / np.maximum(support + predicted, 1),
            support=support,
            predicted=predicted,
        )

    @property
    def seen(self) -> list[int]:
        """The classes that have images or were predicted."""
        return np.flatnonzero(self.support + self.predicted).tolist()

    def averages(self) -> dict[str, dict[str, float]]:
        """Return the "macro" and "weighted" average of each score.

        The macro average counts each class the same, the weighted one each image.
        Classes that have no image and were never predicted are left out.
        """
        equal = np.zeros(len(self.support))
        equal[self.seen] = 1
        weights = {"macro": equal, "weighted": self.support}
        return {
            kind: {
                name: float(np.average(getattr(self, name), weights=weight))
                for name in MEASURES
            }
            for kind, weight in weights.items()
        }
