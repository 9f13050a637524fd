"""The answer of a classifier before its softmax: gradients of a softmax vanish."""

import math
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.backend.probabilities import Pair, probabilities

#: Probabilities add up to one within this, and count as at least this much.
_CLOSE, _TINY = 1e-4, 1e-30


def answer_in_logits(model: keras.Model, images: Any) -> tuple[Any, Any, Any]:
    """Call a model, and return its answer as it is before its softmax or sigmoid.

    It is looked for at the end alone: the last softmax or sigmoid whose output is the
    answer, however it was reshaped or cast since. Gates inside keep theirs, and a model
    that ends otherwise answers as ever. Probabilities that neither has made are taken
    back to logits less their mean, see `undo_softmax`.

    Args:
        model: A model that answers with a vector.
        images: A batch, as the model takes it.

    Returns:
        The logits; the model's own answer; and whether the logits were computed back
        from probabilities, 1.0 or 0.0. All in float32.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Softmax()])
        >>> logits, answer, _ = answer_in_logits(model, ops.array([[1.0, 2.0, 3.0]]))
        >>> ops.convert_to_numpy(answer).round(2)
        array([[0.09, 0.24, 0.67]], dtype=float32)
    """
    with probabilities() as pairs:
        answer = model(images, training=False)
        found = pairs()
    (answer,) = keras.tree.flatten(answer)
    logits, undone = before_probabilities(answer, found)
    return logits, ops.cast(answer, "float32"), undone


def before_probabilities(
    answer: Any, pairs: list[Pair], *, undo: bool = True
) -> tuple[Any, Any]:
    """Return what an answer was before its softmax or sigmoid.

    Args:
        answer: A batch of vectors.
        pairs: What `probabilities` has noted.
        undo: Whether to take probabilities of another origin back to logits.

    Returns:
        The logits, and whether they were taken back, 1.0 or 0.0.
    """
    never = ops.zeros((), "float32")
    for given, output in reversed(pairs):
        if output is answer:
            return ops.cast(given, "float32"), never
    answer = ops.cast(answer, "float32")
    logits, undone = undo_softmax(answer) if undo else (answer, never)
    for given, output in pairs:
        if _width(output) != _width(answer):
            continue
        # Operations behind it that pass its output on, as a reshape, show in the
        # values alone.
        shape = ops.shape(answer)
        output = ops.reshape(ops.cast(output, "float32"), shape)
        same = ops.all(output == answer)
        given = ops.reshape(ops.cast(given, "float32"), shape)
        logits = ops.where(same, given, logits)
        undone = ops.where(same, never, undone)
    return logits, undone


def _width(tensor: Any) -> int | None:
    """Count the numbers of one image."""
    sizes = tuple(tensor.shape)[1:]
    return None if None in sizes else math.prod(sizes)


def undo_softmax(answer: Any) -> tuple[Any, Any]:
    """Take probabilities back to logits whose mean is 0, and say whether that was done.

    A softmax that a model computes by its own formula cannot be left out. It forgets a
    constant, and only that. Answers that are no probabilities come back as they are.
    """
    if answer.shape[-1] == 1:
        return answer, ops.zeros((), "float32")
    one = ops.abs(ops.sum(answer, -1) - 1.0) < _CLOSE
    probable = ops.logical_and(ops.all(answer >= 0.0), ops.all(one))
    # Moved away from 0 in both branches, since gradients leak from the one not taken.
    logs = ops.log(ops.maximum(answer, _TINY))
    centred = logs - ops.mean(logs, -1, keepdims=True)
    return ops.where(probable, centred, answer), ops.cast(probable, "float32")
