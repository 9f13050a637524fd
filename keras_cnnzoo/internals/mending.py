"""Keep a model usable after a run of it has failed.

While `fit`, `evaluate` and `predict` run on JAX, Keras moves the weights out of the
model. If a step, a data reader or a callback fails, it does not always move them back.
On TensorFlow, a step that failed while it was traced cannot run again.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_cnnzoo.internals.retracing import trace_anew

_LOST = (
    "JAX gave up the memory of {count} weights of {name!r} in the step that failed, so "
    "the model cannot be used any more, {example!r} among them. Load its weights again."
)


@contextlib.contextmanager
def mended(model: keras.Model) -> Iterator[None]:
    """Keep the model usable if `fit`, `evaluate` or `predict` fails in the context.

    The exception is raised unchanged. The weights are those after the last finished
    step, as on the other backends. If JAX cannot restore them, a note in the exception
    says so.

    Args:
        model: The model that is run within the context.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> with mended(model):
        ...     answers = model.predict(keras.ops.ones((3, 4)), verbose=0)
    """
    on_jax = keras.backend.backend() == "jax"
    # References, not copies: an array stays valid unless a step reused its memory.
    before = [(v, _value(v)) for v in _variables(model)] if on_jax else []
    try:
        yield
    except BaseException as error:
        if keras.backend.backend() == "tensorflow":
            trace_anew(model)
        if on_jax and (lost := _mend(model, before)):
            error.add_note(
                _LOST.format(count=len(lost), name=model.name, example=lost[0].path)
            )
        raise


def _mend(
    model: keras.Model, before: list[tuple[keras.Variable, Any]]
) -> list[keras.Variable]:
    """Restore missing values, and return the variables that could not be restored."""
    model.jax_state_sync()
    for variable, value in before:
        if _value(variable) is None and value is not None and not value.is_deleted():
            variable.assign(value)
    _reset_unstarted_optimizer(model)
    return [variable for variable in _variables(model) if _value(variable) is None]


def _reset_unstarted_optimizer(model: keras.Model) -> None:
    """Reset the optimizer if it was built in the failed run and has no values left."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None or all(_value(v) is not None for v in optimizer.variables):
        return
    fresh = type(optimizer).from_config(optimizer.get_config())
    fresh.build(model.trainable_variables)
    for variable, start in zip(optimizer.variables, fresh.variables, strict=False):
        if _value(variable) is None:
            variable.assign(start.value)


def _variables(model: keras.Model) -> list[keras.Variable]:
    optimizer = getattr(model, "optimizer", None)
    kept = [] if optimizer is None else optimizer.variables
    return [*model.variables, *kept, *model.metrics_variables]


def _value(variable: keras.Variable) -> Any:
    """Return a variable's array, or None if Keras has moved it out."""
    return variable._value
