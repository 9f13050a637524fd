"""Score a classifier on labelled images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np

from keras_cnnzoo.data import ImageSet
from keras_cnnzoo.internals.mending import mended
from keras_cnnzoo.training.calibration import Calibration
from keras_cnnzoo.training.class_scores import MEASURES, ClassScores
from keras_cnnzoo.training.thresholds import OperatingPoint, RocCurve

#: With this many classes or fewer, the top-5 accuracy would always be 1.
TOP = 5
#: The scores that are single numbers.
NUMBERS = (
    *("count", "accuracy", "balanced_accuracy", "majority", "top5", "loss"),
    *("macro_precision", "macro_recall", "macro_f1"),
    *("weighted_precision", "weighted_recall", "weighted_f1"),
    *("auc", "average_precision", "calibration_error"),
)
#: The scores of one class, by name.
ClassRow = dict[str, float | None]


@dataclass(frozen=True, repr=False)
class Scores:
    """The scores of a classifier on labelled images.

    Attributes:
        labels: The class of each image, `(n,)`.
        probabilities: The probability of each class, `(n, classes)`.
    """

    labels: np.ndarray
    probabilities: np.ndarray

    def __repr__(self) -> str:
        shown = {k: v for k, v in self.numbers().items() if v is not None}
        return f"Scores({', '.join(f'{k}={v:.6g}' for k, v in shown.items())})"

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self.labels)

    @cached_property
    def predicted(self) -> np.ndarray:
        """The most probable class of each image, `(n,)`."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def of_label(self) -> np.ndarray:
        """The probability of each image's own class, `(n,)`."""
        return self.probabilities[np.arange(self.count), self.labels].astype("float64")

    @property
    def accuracy(self) -> float:
        """The share of the images whose most probable class is right."""
        return float((self.predicted == self.labels).mean())

    @property
    def top5(self) -> float | None:
        """The top-5 accuracy; None for five classes or fewer."""
        classes = self.probabilities.shape[1]
        if classes <= TOP:
            return None
        # Ties and NaN count against the model.
        below = self.probabilities < self.of_label[:, None]
        return float((classes - below.sum(axis=1) <= TOP).mean())

    @property
    def loss(self) -> float:
        """The mean cross-entropy."""
        return float(-np.log(np.maximum(self.of_label, 1e-7)).mean())

    @cached_property
    def confusion(self) -> np.ndarray:
        """At `[i, j]`, the number of images of class i that were classified as j."""
        classes = self.probabilities.shape[1]
        confusion = np.zeros((classes, classes), int)
        np.add.at(confusion, (self.labels, self.predicted), 1)
        return confusion

    @property
    def balanced_accuracy(self) -> float:
        """The mean of the per-class accuracies, over the classes that have images."""
        return float(self.classes.recall[self.classes.support > 0].mean())

    @property
    def majority(self) -> float:
        """The accuracy of always predicting the most frequent class."""
        return float(self.classes.support.max() / self.count)

    @property
    def most_frequent(self) -> int:
        """The index of the class with the most images."""
        return int(self.classes.support.argmax())

    @cached_property
    def classes(self) -> ClassScores:
        """Precision, recall, F1 and number of images of each class."""
        return ClassScores.of(self.confusion)

    @cached_property
    def calibration(self) -> Calibration | None:
        """Confidence and accuracy in 15 bins; None without probabilities in 0..1."""
        try:
            return Calibration.of(self.labels, self.probabilities)
        except ValueError:
            return None

    @property
    def calibration_error(self) -> float | None:
        """The expected calibration error; None without probabilities in 0..1."""
        return None if self.calibration is None else self.calibration.error

    def roc(self, index: int) -> RocCurve:
        """Return the ROC curve of a class against all others.

        Raises:
            ValueError: All images are of the class, or none is, or its probability is
                NaN for some image.
        """
        return RocCurve.of(self.labels == index, self.probabilities[:, index])

    @cached_property
    def curves(self) -> dict[int, RocCurve]:
        """The ROC curve of each class that has one, by index.

        Of two classes, only the second has one: that of the first is its mirror image.
        """
        support = self.classes.support
        indices = np.flatnonzero((support > 0) & (support < self.count))
        if self.probabilities.shape[1] == 2:
            indices = indices[indices == 1]
        if np.isnan(self.probabilities).any():
            return {}
        return {index: self.roc(index) for index in map(int, indices)}

    @property
    def auc(self) -> float | None:
        """The area under the ROC curve.

        Of two classes, the second is the positive one. Of more, it is the mean over the
        classes that have images, each against all others (one-vs-rest, macro). None if
        only one class has images.
        """
        areas = [curve.area for curve in self.curves.values()]
        return float(np.mean(areas)) if areas else None

    @property
    def average_precision(self) -> float | None:
        """The average precision; the mean over the classes like `auc`."""
        found = [curve.average_precision for curve in self.curves.values()]
        return float(np.mean(found)) if found else None

    def sensitivity_at(self, specificity: float) -> OperatingPoint:
        """Return the threshold of two classes with at least this specificity.

        The second class is the positive one.

        Args:
            specificity: From 0 to 1.

        Raises:
            ValueError: There are not two classes, one has no images, or `specificity`
                is outside of 0..1.
        """
        if self.probabilities.shape[1] != 2:
            raise ValueError(
                "A sensitivity at a specificity is that of two classes, and the model "
                f"has {self.probabilities.shape[1]}."
            )
        return self.roc(1).at_specificity(specificity)

    def numbers(self) -> dict[str, float | None]:
        """Return the scores that are single numbers, by name."""
        averages = {
            f"{kind}_{name}": value
            for kind, values in self.classes.averages().items()
            for name, value in values.items()
        }
        return {
            name: averages[name] if name in averages else getattr(self, name)
            for name in NUMBERS
        }

    def of_class(self, index: int) -> ClassRow:
        """Return the scores of one class by name.

        These are `precision`, `recall`, `f1`, `support` (its images), `predicted` (the
        images that were predicted as it), `auc` and `average_precision`; the last two
        are None for a class without a curve.
        """
        curve = self.curves.get(index)
        return {
            **{name: float(getattr(self.classes, name)[index]) for name in MEASURES},
            "support": int(self.classes.support[index]),
            "predicted": int(self.classes.predicted[index]),
            "auc": None if curve is None else curve.area,
            "average_precision": None if curve is None else curve.average_precision,
        }

    def by_class(self, class_names: Sequence[str]) -> dict[str, ClassRow]:
        """Return the scores of each class that has images or was predicted.

        Args:
            class_names: A name for each class of the model.
        """
        return {class_names[i]: self.of_class(i) for i in self.classes.seen}

    def per_class(self, class_names: Sequence[str]) -> dict[str, float | None]:
        """Return the accuracy of each class; None for a class without images."""
        scores = zip(self.classes.recall, self.classes.support, strict=True)
        values = [float(recall) if images else None for recall, images in scores]
        return dict(zip(class_names, values, strict=True))


def evaluate(
    model: keras.Model,
    images: ImageSet,
    classes: Sequence[int] | None = None,
    *,
    flip: bool = False,
) -> Scores:
    """Score a classifier on labelled images.

    If an exception occurs, for example while an image is read, the model stays usable,
    also on JAX.

    Args:
        model: A model that outputs one probability per class.
        images: Labelled images. They are neither shuffled nor augmented.
        classes: The model's class index for each class of the images, if the images'
            classes have another order or are only some of the model's.
        flip: Whether the probabilities are the mean of those for each image and its
            mirror image, left to right (test-time augmentation).

    Raises:
        ValueError: There are no images, their labels are not one class each, or a label
            is not among the model's classes.
    """
    labels = images.labels()
    if not len(labels):
        raise ValueError("There are no images to evaluate on.")
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            "Classifiers are scored on one class per image. These images have "
            f"{labels.dtype} labels of shape {labels.shape[1:]} each."
        )
    if classes is not None:
        labels = np.asarray(classes)[labels]
    count = model.output_shape[-1]
    if labels.max() >= count:
        raise ValueError(
            f"{model.name!r} knows {count} classes, and the data have labels up to "
            f"{labels.max()}. Train it on these data, or choose others."
        )
    with mended(model):
        answers = _answers(model, images.ordered())
        if flip:
            size = images.batches.batch_size
            mirrored = ImageSet(images.examples, batch_size=size, augment=_mirror)
            answers = (answers + _answers(model, mirrored)) / 2
    return Scores(labels, answers)


def _answers(model: keras.Model, images: ImageSet) -> np.ndarray:
    answers = model.predict(images, verbose=0)
    # At least float32: NumPy has no float16 or bfloat16 arithmetic of its own.
    return np.asarray(answers.astype(np.result_type(answers, "float32")))


def _mirror(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return images[:, :, ::-1]
