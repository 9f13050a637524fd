"""Losses for one class per image, whose labels are numbers or rows of probabilities."""

from typing import Any

import keras
from keras import ops

from keras_cnnzoo.training.labels import probability_rows


@keras.saving.register_keras_serializable("keras_cnnzoo")
class CrossEntropy(keras.losses.Loss):
    """Cross-entropy with label smoothing, of class numbers or rows of probabilities.

    Keras has label smoothing for rows alone. Here both kinds of labels may alternate,
    such as rows for the mixed images of training, and numbers for validation.

    It is computed in float32, whatever the model's precision.

    Args:
        from_logits: Whether the model outputs logits; else, as by default,
            probabilities.
        label_smoothing: Part of every label that is spread evenly over all classes,
            from 0 to 1. Leave it at 0 if the labels are smoothed already.
        name: Name of the loss.
        reduction: As for every loss of Keras; the mean by default.
        dtype: As for every loss of Keras.

    Raises:
        ValueError: `label_smoothing` is out of range. On a call: the labels have
            another shape.

    Example:
        >>> import numpy as np
        >>> loss = CrossEntropy(label_smoothing=0.1)
        >>> predictions = np.array([[0.8, 0.2]])
        >>> numbers = loss(np.array([0]), predictions)
        >>> rows = loss(np.array([[1.0, 0.0]]), predictions)
        >>> round(float(numbers), 4) == round(float(rows), 4) == 0.2925
        True

    Source:
        Szegedy et al., "Rethinking the Inception Architecture for Computer Vision",
        2015, section 7.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        *,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(
                f"`label_smoothing` is from 0 to 1. Received: {label_smoothing}"
            )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of every label, with the shape of `y_pred` but its last axis.

        Args:
            y_true: Class numbers, or rows of the shape of `y_pred`.
            y_pred: `(n, ..., classes)`.
        """
        rows = self._smoothed(probability_rows(y_true, y_pred))
        return ops.categorical_crossentropy(rows, y_pred, from_logits=self.from_logits)

    def _smoothed(self, rows: Any) -> Any:
        part = self.label_smoothing
        return rows * (1 - part) + part / rows.shape[-1] if part else rows

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
        }


@keras.saving.register_keras_serializable("keras_cnnzoo")
class FocalLoss(CrossEntropy):
    """Cross-entropy that counts less what the model is sure of and right about.

    The loss of a class of probability `p` is `-(1 - p) ** gamma * log(p)`, so that many
    easy images do not outweigh few difficult ones. Class weights of `fit` take the
    place of the paper's alpha.

    Args:
        gamma: The focus, at least 0; 0 makes it the plain cross-entropy.
        from_logits: As for `CrossEntropy`.
        label_smoothing: As for `CrossEntropy`.
        **kwargs: `name`, `reduction` and `dtype`, as for `CrossEntropy`.

    Raises:
        ValueError: A number is out of its range.

    Example:
        >>> import numpy as np
        >>> loss = FocalLoss(gamma=2)
        >>> bool(np.isclose(loss(np.array([0]), np.array([[0.5, 0.5]])),
        ...                 0.5**2 * np.log(2)))
        True

    Source:
        Lin et al., "Focal Loss for Dense Object Detection", 2017, equation 4.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(from_logits, label_smoothing, **kwargs)
        if gamma < 0:
            raise ValueError(f"`gamma` is at least 0. Received: {gamma}")
        self.gamma = gamma

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of every label, as `CrossEntropy` does."""
        rows = self._smoothed(probability_rows(y_true, y_pred))
        least = keras.backend.epsilon()
        if self.from_logits:
            logs = ops.log_softmax(y_pred, axis=-1)
            chances = ops.exp(logs)
        else:
            # As in Keras's cross-entropy.
            chances = y_pred / ops.sum(y_pred, axis=-1, keepdims=True)
            chances = ops.clip(chances, least, 1 - least)
            logs = ops.log(chances)
        # The gradient of a power below 1 is infinite at 0.
        doubts = ops.maximum(1 - chances, least) ** self.gamma
        return -ops.sum(rows * doubts * logs, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gamma": self.gamma}


@keras.saving.register_keras_serializable("keras_cnnzoo")
class BinaryCrossEntropy(CrossEntropy):
    """Cross-entropy of every class on its own, as if each were a question of yes or no.

    It is the mean over the classes. The model outputs a sigmoid, not a softmax, so that
    a mixed image may be both of its classes.

    Args:
        from_logits: As for `CrossEntropy`.
        label_smoothing: As for `CrossEntropy`, which differs from that of Keras's
            `BinaryCrossentropy`.
        target_threshold: Where labels are rows, a class with a larger share counts as
            present, and all others as absent, before the smoothing. None takes the
            shares themselves.
        **kwargs: `name`, `reduction` and `dtype`, as for `CrossEntropy`.

    Raises:
        ValueError: As for `CrossEntropy`, or the threshold is not from 0 to below 1.

    Example:
        >>> import numpy as np
        >>> loss = BinaryCrossEntropy()
        >>> bool(np.isclose(loss(np.array([0]), np.array([[0.5, 0.5]])), np.log(2)))
        True

    Source:
        Wightman et al., "ResNet strikes back", 2021, section 3.1; smoothing, threshold
        and mean as in timm 1.0. Unlike here, timm does not smooth after a threshold.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        target_threshold: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(from_logits, label_smoothing, **kwargs)
        if target_threshold is not None and not 0 <= target_threshold < 1:
            raise ValueError(
                f"`target_threshold` is from 0 to below 1. Received: {target_threshold}"
            )
        self.target_threshold = target_threshold

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of every label, as `CrossEntropy` does."""
        rows = probability_rows(y_true, y_pred)
        if self.target_threshold is not None:
            rows = ops.cast(rows > self.target_threshold, rows.dtype)
        rows = self._smoothed(rows)
        each = ops.binary_crossentropy(rows, y_pred, from_logits=self.from_logits)
        return ops.mean(each, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_threshold": self.target_threshold}
