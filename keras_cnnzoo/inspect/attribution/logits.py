"""A classifier's logits, because gradients vanish behind a saturated softmax."""

import math
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.backend.probabilities import Pair, probabilities

#: How close to 1 probabilities must sum, and the least one before the logarithm.
_CLOSE, _TINY = 1e-4, 1e-30


def answer_in_logits(model: keras.Model, images: Any) -> tuple[Any, Any, Any]:
    """Call a model, and return its output before a final softmax or sigmoid.

    Only the softmax or sigmoid at the end is left out: the one whose output is the
    model's output, even if it was reshaped or cast afterwards. Softmax and sigmoid
    elsewhere, as in gates, still apply. If the model ends differently, its output is
    returned as it is, unless it holds probabilities: these are converted to logits with
    a mean of 0, see `undo_softmax`.

    Args:
        model: A model that outputs one vector per image.
        images: A batch of preprocessed images.

    Returns:
        The logits; the model's own output; and whether the logits were computed from
        probabilities, 1.0 or 0.0. All in float32.

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
    """Return the logits from which a softmax or sigmoid computed an output.

    Args:
        answer: The output: a batch of vectors.
        pairs: Inputs and outputs of softmax and sigmoid, from `probabilities`.
        undo: Whether to convert probabilities that neither computed to logits.

    Returns:
        The logits, and whether they were computed from probabilities, 1.0 or 0.0.
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
        # After a reshape or cast the tensor is another one: only its values show that
        # it is this output.
        shape = ops.shape(answer)
        output = ops.reshape(ops.cast(output, "float32"), shape)
        same = ops.all(output == answer)
        given = ops.reshape(ops.cast(given, "float32"), shape)
        logits = ops.where(same, given, logits)
        undone = ops.where(same, never, undone)
    return logits, undone


def _width(tensor: Any) -> int | None:
    """Count the values per image; None if a size is not known."""
    sizes = tuple(tensor.shape)[1:]
    return None if None in sizes else math.prod(sizes)


def undo_softmax(answer: Any) -> tuple[Any, Any]:
    """Convert probabilities to logits with mean 0, and say whether they were any.

    A softmax that the model computes with its own code cannot be left out. But it loses
    only a constant that is added to all logits. Outputs that are not probabilities are
    returned unchanged.
    """
    if answer.shape[-1] == 1:
        return answer, ops.zeros((), "float32")
    one = ops.abs(ops.sum(answer, -1) - 1.0) < _CLOSE
    probable = ops.logical_and(ops.all(answer >= 0.0), ops.all(one))
    # Clip for both branches of `where`: an infinite gradient in the branch that is not
    # taken would make the whole gradient NaN.
    logs = ops.log(ops.maximum(answer, _TINY))
    centred = logs - ops.mean(logs, -1, keepdims=True)
    return ops.where(probable, centred, answer), ops.cast(probable, "float32")
