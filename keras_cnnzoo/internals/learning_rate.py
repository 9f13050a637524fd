"""What decides an optimizer's learning rate, and how to replace it for a while.

By its public interface, the rate within `fit` is empty on JAX, and a schedule cannot be
replaced by another one and put back.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_cnnzoo.internals.optimizers import unwrapped

Schedule = keras.optimizers.schedules.LearningRateSchedule


def schedule_of(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return the schedule of the learning rate; None if it has none."""
    rate = unwrapped(optimizer)._learning_rate
    return rate if isinstance(rate, Schedule) else None


def steps_of(optimizer: keras.optimizers.Optimizer) -> int:
    """Return the number that the schedule gets: how many steps were taken."""
    return int(keras.ops.convert_to_numpy(unwrapped(optimizer)._iterations))


def restart(optimizer: keras.optimizers.Optimizer) -> None:
    """Let the schedule of an optimizer begin at its first step."""
    unwrapped(optimizer)._iterations.assign(0)


@contextlib.contextmanager
def scheduled(optimizer: keras.optimizers.Optimizer, schedule: Any) -> Iterator[None]:
    """Let an optimizer follow another schedule in the context.

    A step that is traced already keeps its learning rate; see
    `keras_cnnzoo.internals.retracing`.
    """
    optimizer = unwrapped(optimizer)
    before = optimizer._learning_rate
    optimizer._learning_rate = schedule
    try:
        yield
    finally:
        optimizer._learning_rate = before
