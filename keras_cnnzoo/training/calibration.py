"""Calibration: of images with probability 90 %, nine of ten should be right."""

from dataclasses import dataclass

import numpy as np

#: As in the paper.
BINS = 15


@dataclass(frozen=True)
class Calibration:
    """Confidence and accuracy of predictions, in bins of equal width by confidence.

    The confidence of a prediction is the probability of the predicted class. Bin m of M
    has the confidences in `((m - 1) / M, m / M]`. Arrays `(bins,)`; in a bin without
    images, confidence and accuracy are NaN.

    Attributes:
        count: Number of images.
        confidence: Their mean confidence.
        accuracy: The share of them that is predicted right.

    Source:
        Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, 2017,
        section 2, https://arxiv.org/abs/1706.04599.
    """

    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @classmethod
    def of(
        cls, labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS
    ) -> "Calibration":
        """Compute the bins.

        Args:
            labels: The class of each image, `(n,)`.
            probabilities: `(n, classes)`.
            bins: Number of bins.

        Raises:
            ValueError: `bins` is not positive, or a probability is NaN or outside of
                0..1.
        """
        confidence = np.asarray(probabilities.max(axis=1), "float64")
        if bins < 1:
            raise ValueError(f"`bins` is at least 1. Received: {bins}")
        if not ((confidence >= 0) & (confidence <= 1 + 1e-5)).all():
            raise ValueError(
                "The calibration needs probabilities from 0 to 1, and the highest of "
                f"an image lie from {confidence.min():.3g} to {confidence.max():.3g}. "
                "Use a model with a softmax."
            )
        right = probabilities.argmax(axis=1) == labels
        inner = np.linspace(0, 1, bins + 1)[1:-1]
        place = np.searchsorted(inner, confidence, side="left")
        count = np.bincount(place, minlength=bins)
        with np.errstate(invalid="ignore"):
            return cls(
                count=count,
                confidence=np.bincount(place, confidence, bins) / count,
                accuracy=np.bincount(place, right, bins) / count,
            )

    @property
    def error(self) -> float:
        """The expected calibration error, from 0 to 1.

        The mean distance between confidence and accuracy of a bin, weighted by the
        number of its images; equation 3 of the paper.
        """
        gaps = np.abs(self.confidence - self.accuracy)
        return float(np.nansum(gaps * self.count) / self.count.sum())
