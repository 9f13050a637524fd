"""Accuracy, and one that does not rise by predicting the most frequent class."""

from typing import Any

import keras
from keras import ops

from keras_cnnzoo.training.labels import class_numbers


@keras.saving.register_keras_serializable("keras_cnnzoo")
class Accuracy(keras.metrics.Mean):
    """The share of right answers, for class numbers or rows of probabilities.

    Keras's `metrics=["accuracy"]` looks at the first labels, and takes those of
    validation for the same kind, although training on mixed images has rows. The most
    likely class of a row counts as the right one.

    Args:
        name: Name in the logs.
        dtype: As for every metric.

    Example:
        >>> import numpy as np
        >>> metric = Accuracy()
        >>> answers = np.array([[0.1, 0.9], [0.8, 0.2]])
        >>> metric.update_state(np.array([1, 1]), answers)
        >>> metric.update_state(np.array([[0.3, 0.7], [0.6, 0.4]]), answers)
        >>> float(metric.result())
        0.75
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count the right answers of a batch, weighted by `sample_weight`."""
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        answers = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        right = ops.equal(answers, class_numbers(y_true, y_pred))
        super().update_state(ops.cast(right, self.dtype), sample_weight)


@keras.saving.register_keras_serializable("keras_cnnzoo")
class BalancedAccuracy(keras.metrics.Metric):
    """The mean of the per-class accuracies.

    If nine of ten images show bees, predicting "bees" for every image has an accuracy
    of 90 % but, with two classes, a balanced accuracy of 50 %. Classes without images
    are left out.

    Args:
        classes: Number of classes. Labels are whole numbers below it, or rows of
            probabilities. Predictions have shape `(n, classes)`.
        name: Name in the logs.
        dtype: As for every metric.

    Example:
        >>> import numpy as np
        >>> metric = BalancedAccuracy(2)
        >>> answers = [[0.1, 0.9]] * 10
        >>> float(metric(np.array([1] * 9 + [0]), np.array(answers)))
        0.5
    """

    def __init__(
        self, classes: int, name: str = "balanced_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.classes = classes
        self.count = self.add_variable((classes,), "zeros", name="count")
        self.right = self.add_variable((classes,), "zeros", name="right")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count the images of a batch, each weighted by its `sample_weight`."""
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        labels = class_numbers(y_true, y_pred)
        answers = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        own = ops.one_hot(labels, self.classes, dtype=self.count.dtype)
        if sample_weight is not None:
            own *= ops.reshape(ops.cast(sample_weight, own.dtype), (-1, 1))
        right = ops.cast(ops.equal(answers, labels), own.dtype)
        self.count.assign_add(ops.sum(own, axis=0))
        self.right.assign_add(ops.sum(own * right[:, None], axis=0))

    def result(self) -> Any:
        there = ops.cast(self.count > 0, self.count.dtype)
        shares = self.right / ops.maximum(self.count, 1e-9)
        return ops.sum(shares * there) / ops.maximum(ops.sum(there), 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "classes": self.classes}
