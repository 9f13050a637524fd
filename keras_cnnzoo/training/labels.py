"""Labels of one class per image: whole numbers, or rows of probabilities."""

from typing import Any

from keras import ops


def probability_rows(y_true: Any, y_pred: Any) -> Any:
    """Return labels as one row of probabilities each, in the dtype of `y_pred`.

    Args:
        y_true: Whole numbers of any dtype, with or without a last axis of size 1, or
            rows of the shape of `y_pred`.
        y_pred: Predictions, with the classes on the last axis.

    Raises:
        ValueError: The shape of the labels is neither.
    """
    if _are_rows(y_true, y_pred):
        return ops.cast(y_true, y_pred.dtype)
    numbers = ops.cast(_numbers(y_true, y_pred), "int32")
    return ops.one_hot(numbers, y_pred.shape[-1], dtype=y_pred.dtype)


def class_numbers(y_true: Any, y_pred: Any) -> Any:
    """Return labels as int32 class numbers; of a row, that of the most likely class.

    Args:
        y_true: As for `probability_rows`.
        y_pred: As for `probability_rows`.

    Raises:
        ValueError: As by `probability_rows`.
    """
    if _are_rows(y_true, y_pred):
        return ops.cast(ops.argmax(y_true, axis=-1), "int32")
    return ops.cast(_numbers(y_true, y_pred), "int32")


def _are_rows(y_true: Any, y_pred: Any) -> bool:
    return bool(
        len(y_true.shape) == len(y_pred.shape)
        and y_true.shape[-1] == y_pred.shape[-1] != 1
    )


def _numbers(y_true: Any, y_pred: Any) -> Any:
    if len(y_true.shape) == len(y_pred.shape) - 1:
        return y_true
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        return ops.squeeze(y_true, axis=-1)
    *batch, classes = y_pred.shape
    raise ValueError(
        f"Labels for predictions of shape {tuple(y_pred.shape)} are class numbers of "
        f"shape {tuple(batch)}, or a row of {classes} probabilities each. Received "
        f"labels of shape {tuple(y_true.shape)}."
    )
