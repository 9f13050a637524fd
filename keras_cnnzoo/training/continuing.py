"""A learning rate schedule that goes on where another training has ended."""

from typing import Any

import keras
from keras.optimizers import schedules

from keras_cnnzoo.internals.learning_rate import schedule_of
from keras_cnnzoo.internals.optimizers import unwrapped


@keras.saving.register_keras_serializable("keras_cnnzoo")
class Continued(schedules.LearningRateSchedule):
    """A schedule from a later step on.

    Args:
        schedule: The schedule.
        steps: The step of the schedule at which this one begins.
    """

    def __init__(self, schedule: schedules.LearningRateSchedule, steps: int) -> None:
        super().__init__()
        self.schedule, self.steps = schedule, steps

    def __call__(self, step: Any) -> Any:
        return self.schedule(step + self.steps)

    def get_config(self) -> dict[str, Any]:
        return {"schedule": schedules.serialize(self.schedule), "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Continued":
        schedule = schedules.deserialize(config["schedule"])
        return cls(**config | {"schedule": schedule})


def continued(
    optimizer: keras.optimizers.Optimizer, steps: int
) -> keras.optimizers.Optimizer:
    """Return the optimizer with its schedule from a step on.

    An optimizer without a schedule is returned as it is.

    Args:
        optimizer: An optimizer that is not built yet.
        steps: The step, counted from the beginning of the original schedule.
    """
    schedule = schedule_of(optimizer)
    if isinstance(schedule, Continued):
        schedule = schedule.schedule
    if steps and schedule is not None:
        unwrapped(optimizer).learning_rate = Continued(schedule, steps)
    return optimizer
