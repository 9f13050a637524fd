"""Have a model work as before after a run of it has failed.

While `fit`, `evaluate` and `predict` run on JAX, Keras takes the weights out of the
model, and where a step, a reader or a callback fails it does not always put them back.
On TensorFlow a step that failed while it was traced cannot run again.
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
    """Run `fit`, `evaluate` or `predict` so that a failure leaves the model whole.

    The exception goes on as it came. The weights are those of the last step that
    ended, as on the other backends; where JAX cannot give them back, a note of the
    exception says so.

    Args:
        model: The model that is run within the context.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> with mended(model):
        ...     answers = model.predict(keras.ops.ones((3, 4)), verbose=0)
    """
    on_jax = keras.backend.backend() == "jax"
    # References, not copies: an array lives on unless a step took its memory over.
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
    """Put back what is missing, and return the variables that have no value left."""
    model.jax_state_sync()
    for variable, value in before:
        if _value(variable) is None and value is not None and not value.is_deleted():
            variable.assign(value)
    _reset_unstarted_optimizer(model)
    return [variable for variable in _variables(model) if _value(variable) is None]


def _reset_unstarted_optimizer(model: keras.Model) -> None:
    """Begin anew with an optimizer that was made in the run that failed at once."""
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
    """Return a variable's array, None where Keras has taken it out."""
    return variable._value
