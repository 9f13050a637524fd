"""The learning rate of the coming steps, without reading the device at each."""

from typing import Any

import keras

from keras_cnnzoo.backend.compiled import compiled
from keras_cnnzoo.internals.learning_rate import schedule_of, steps_of


class RateAhead:
    """Tells the learning rate of a model within an epoch.

    On JAX, the optimizer's own variables are empty while `fit` runs, and computing a
    schedule takes long unless it is compiled.

    Args:
        model: A compiled model. It may be compiled again between two epochs.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._optimizer: Any = None
        self.begin()

    def begin(self) -> None:
        """Read the state of the optimizer, before the first step of an epoch."""
        if self._optimizer is not self._model.optimizer:
            self._optimizer = self._model.optimizer
            schedule = schedule_of(self._optimizer)
            self._schedule = schedule and compiled(schedule)
        if self._schedule is None:
            self._rate = _number(self._optimizer.learning_rate)
        else:
            self._taken = steps_of(self._optimizer)

    def after(self, steps: int) -> float:
        """Return the learning rate after a number of further steps."""
        if self._schedule is None:
            return self._rate
        return _number(self._schedule(self._taken + steps))


def _number(value: object) -> float:
    return float(keras.ops.convert_to_numpy(value))
