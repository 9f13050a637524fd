"""Score a classifier on labelled images."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_cnnzoo.data import ImageSet
from keras_cnnzoo.internals.mending import mended

#: Five guesses among five classes or fewer are always right.
TOP = 5
NUMBERS = ("count", "accuracy", "balanced_accuracy", "majority", "top5", "loss")


@dataclass(frozen=True)
class Scores:
    """How well a classifier answered.

    `accuracy` and `top5` are shares of `count` images; `top5` is None for five
    classes or fewer. `confusion[i, j]` counts the images of class i taken for j.
    """

    count: int
    accuracy: float
    top5: float | None
    loss: float
    confusion: np.ndarray

    @property
    def balanced_accuracy(self) -> float:
        """The mean of the accuracies within each class that has images."""
        counts = self.confusion.sum(axis=1)
        there = counts > 0
        return float((self.confusion.diagonal()[there] / counts[there]).mean())

    @property
    def majority(self) -> float:
        """The accuracy of always answering the most frequent class."""
        return float(self.confusion.sum(axis=1).max() / self.count)

    @property
    def most_frequent(self) -> int:
        """The number of the class with the most images."""
        return int(self.confusion.sum(axis=1).argmax())

    def numbers(self) -> dict[str, float | None]:
        """Return the numbers by name."""
        return {name: getattr(self, name) for name in NUMBERS}

    def per_class(self, class_names: Sequence[str]) -> dict[str, float | None]:
        """Return the accuracy within each class; None for a class without images."""
        counts, right = self.confusion.sum(axis=1), self.confusion.diagonal()
        return {
            name: float(r / n) if n else None
            for name, r, n in zip(class_names, right, counts, strict=True)
        }


def evaluate(
    model: keras.Model, images: ImageSet, classes: Sequence[int] | None = None
) -> Scores:
    """Score a classifier on labelled images.

    Args:
        model: Gives one probability per class.
        images: Labelled images. They are neither shuffled nor augmented.
        classes: The model's number for each class of the images, where they are
            numbered otherwise or are only some of the model's.

    An exception on the way, of a reader for example, leaves the model as it was, also
    on JAX.

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
    # Ties count against the model, as does NaN.
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
