"""Score a classifier on labelled images."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_cnnzoo.data import ImageSet
from keras_cnnzoo.internals.mending import mended

#: With this many classes or fewer, the top-5 accuracy would always be 1.
TOP = 5
NUMBERS = ("count", "accuracy", "balanced_accuracy", "majority", "top5", "loss")


@dataclass(frozen=True)
class Scores:
    """The scores of a classifier on labelled images.

    `accuracy` and `top5` (top-5 accuracy) are fractions of `count` images; `top5` is
    None for five classes or fewer. `confusion[i, j]` is the number of images of class
    i that were classified as class j.
    """

    count: int
    accuracy: float
    top5: float | None
    loss: float
    confusion: np.ndarray

    @property
    def balanced_accuracy(self) -> float:
        """The mean of the per-class accuracies, over the classes that have images."""
        counts = self.confusion.sum(axis=1)
        there = counts > 0
        return float((self.confusion.diagonal()[there] / counts[there]).mean())

    @property
    def majority(self) -> float:
        """The accuracy of always predicting the most frequent class."""
        return float(self.confusion.sum(axis=1).max() / self.count)

    @property
    def most_frequent(self) -> int:
        """The index of the class with the most images."""
        return int(self.confusion.sum(axis=1).argmax())

    def numbers(self) -> dict[str, float | None]:
        """Return all scores except the confusion matrix, by name."""
        return {name: getattr(self, name) for name in NUMBERS}

    def per_class(self, class_names: Sequence[str]) -> dict[str, float | None]:
        """Return the accuracy of each class; None for a class without images."""
        counts, right = self.confusion.sum(axis=1), self.confusion.diagonal()
        return {
            name: float(r / n) if n else None
            for name, r, n in zip(class_names, right, counts, strict=True)
        }


def evaluate(
    model: keras.Model, images: ImageSet, classes: Sequence[int] | None = None
) -> Scores:
    """Score a classifier on labelled images.

    If an exception occurs, for example while an image is read, the model stays usable,
    also on JAX.

    Args:
        model: A model that outputs one probability per class.
        images: Labelled images. They are neither shuffled nor augmented.
        classes: The model's class index for each class of the images, if the images'
            classes have another order or are only some of the model's.

    Raises:
        ValueError: There are no images, or a label is not among the model's classes.
    """
    labels = images.labels()
    if not len(labels):
        raise ValueError("There are no images to evaluate on.")
    if classes is not None:
        labels = np.asarray(classes)[labels]
    count = model.output_shape[-1]
    if labels.max() >= count:
        raise ValueError(
            f"{model.name!r} knows {count} classes, and the data have labels up to "
            f"{labels.max()}. Train it on these data, or choose others."
        )
    with mended(model):
        answers = model.predict(images.ordered(), verbose=0)
    probabilities = np.asarray(answers, "float64")
    of_label = probabilities[np.arange(len(labels)), labels]
    # Ties and NaN count against the model.
    rank = count - (probabilities < of_label[:, None]).sum(axis=1)
    predicted = probabilities.argmax(axis=1)
    confusion = np.zeros((count, count), int)
    np.add.at(confusion, (labels, predicted), 1)
    return Scores(
        count=len(labels),
        accuracy=float((predicted == labels).mean()),
        top5=float((rank <= TOP).mean()) if count > TOP else None,
        loss=float(-np.log(np.maximum(of_label, 1e-7)).mean()),
        confusion=confusion,
    )
