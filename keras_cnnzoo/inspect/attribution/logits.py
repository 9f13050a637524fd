"""The answer of a classifier before its softmax: gradients of a softmax vanish."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.internals.calls import observe

#: Activations that press any answer into 0..1, by name: each backend has its own.
_SQUASHING = ("softmax", "log_softmax", "sigmoid", "log_sigmoid", "hard_sigmoid")
#: Probabilities add up to one within this, and count as at least this much.
_CLOSE, _TINY = 1e-4, 1e-30


@contextlib.contextmanager
def logits(model: keras.Model) -> Iterator[None]:
    """Within the context, the model answers with what its softmax or sigmoid takes.

    It is looked for at the end alone: the layer that made the model's answer, as deep
    as it lies, answers without its activation. Gates inside keep theirs. A model that
    ends otherwise answers as ever. As for `observe`, a compiled function has to be
    traced inside the context.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Softmax()])
        >>> x = keras.ops.convert_to_tensor([[1.0, 2.0, 3.0]])
        >>> with logits(model):
        ...     print(keras.ops.convert_to_numpy(model(x)))
        [[1. 2. 3.]]
    """
    squashed: list[tuple[keras.layers.Layer, tuple, Any]] = []

    def watch(layer, inputs, output):
        if inputs and squashes(layer):
            squashed.append((layer, inputs, output))
        if layer is not model:
            return None
        made = [call for call in squashed if call[2] is output]
        squashed.clear()
        # Layers that hand a tensor on give the same one; the first has made it.
        return before_activation(*made[0][:2]) if made else None

    with observe(watch):
        yield


def squashes(layer: keras.layers.Layer) -> bool:
    """Tell whether a layer ends in a softmax or sigmoid that it can do without."""
    if isinstance(layer, keras.layers.Softmax):
        return True
    return getattr(getattr(layer, "activation", None), "__name__", "") in _SQUASHING


def before_activation(layer: keras.layers.Layer, inputs: tuple) -> Any:
    """Call a layer that `squashes` without its activation."""
    if isinstance(layer, keras.layers.Softmax):
        return inputs[0]
    activation = layer.activation
    try:
        layer.activation = keras.activations.linear
        return layer(*inputs)
    finally:
        layer.activation = activation


def undo_softmax(answers: Any) -> Any:
    """Take probabilities that no layer made back to logits whose mean is 0.

    A softmax inside a model's own `call` cannot be left out. It forgets a constant,
    and only that. Answers that are no probabilities come back as they are.
    """
    if answers.shape[-1] == 1:
        return answers
    one = ops.abs(ops.sum(answers, -1) - 1.0) < _CLOSE
    probable = ops.logical_and(ops.all(answers >= 0.0), ops.all(one))
    # Moved away from 0 in both branches, since gradients leak from the one not taken.
    logs = ops.log(ops.maximum(answers, _TINY))
    return ops.where(probable, logs - ops.mean(logs, -1, keepdims=True), answers)
