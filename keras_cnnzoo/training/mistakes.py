"""Find the images that a classifier is most wrong about, and likely label errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_cnnzoo.data import ImageSet
from keras_cnnzoo.data.examples import EncodedExamples
from keras_cnnzoo.training.confident_learning import label_issues
from keras_cnnzoo.training.evaluation import Scores


@dataclass(frozen=True)
class Mistake:
    """An image whose label is not the predicted class.

    Attributes:
        index: Its place in the original order of the images.
        image: The path of its file, or its place in an array.
        label: The class that it is labelled as.
        label_probability: The probability of that class.
        predicted: The predicted class.
        predicted_probability: The probability of that class.
    """

    index: int
    image: str
    label: str
    label_probability: float
    predicted: str
    predicted_probability: float


@dataclass(frozen=True)
class Mistakes:
    """What a classifier and the labels of images disagree about.

    Attributes:
        worst: The images whose label has the lowest probability, from the lowest on.
        label_errors: The images whose label is likely wrong, the most likely first.
        label_error_count: How many labels are likely wrong, of which `label_errors`
            has the first. None if the model's outputs are no probabilities.
    """

    worst: Sequence[Mistake]
    label_errors: Sequence[Mistake]
    label_error_count: int | None


def find_mistakes(
    scores: Scores, images: ImageSet, class_names: Sequence[str], *, count: int = 30
) -> Mistakes:
    """Find the images that a classifier is most wrong about, and likely label errors.

    Label errors are found best with a model that was not trained on these images; see
    `label_issues`.

    Args:
        scores: The scores of the classifier on the images, as `evaluate` returns them.
        images: The same images.
        class_names: A name for each class of the model.
        count: The most images of each kind.

    Raises:
        ValueError: `count` is not positive.
    """
    if count < 1:
        raise ValueError(f"`count` is at least 1. Received: {count}")
    wrong = np.flatnonzero(scores.predicted != scores.labels)
    worst = wrong[np.argsort(scores.of_label[wrong], kind="stable")]
    errors = None
    if scores.calibration is not None:
        errors = label_issues(scores.labels, scores.probabilities)

    def mistakes(indices: np.ndarray) -> list[Mistake]:
        return [
            Mistake(
                index=int(index),
                image=_name(images, index),
                label=class_names[scores.labels[index]],
                label_probability=float(scores.of_label[index]),
                predicted=class_names[scores.predicted[index]],
                predicted_probability=float(scores.probabilities[index].max()),
            )
            for index in indices[:count]
        ]

    return Mistakes(
        worst=mistakes(worst),
        label_errors=[] if errors is None else mistakes(errors),
        label_error_count=None if errors is None else len(errors),
    )


def _name(images: ImageSet, index: int) -> str:
    """Return the path of an image's file, or its place in an array."""
    examples = images.examples
    if isinstance(examples, EncodedExamples):
        return examples.describe(int(examples.numbers[index]))
    return f"image {index}"
