"""A learning rate schedule that goes on where another training has ended."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("keras_cnnzoo")
class Continued(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule from a later step on.

    Args:
        schedule: The schedule.
        steps: The step of the schedule at which this one begins.
    """

    def __init__(
        self, schedule: keras.optimizers.schedules.LearningRateSchedule, steps: int
    ) -> None:
        self.schedule, self.steps = schedule, steps

    def __call__(self, step: Any) -> Any:
        return self.schedule(step + self.steps)

    def get_config(self) -> dict[str, Any]:
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Continued":
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["steps"])


def continued(
    optimizer: keras.optimizers.Optimizer, steps: int
) -> keras.optimizers.Optimizer:
    """Return the optimizer with its schedule advanced by a number of steps.

    An optimizer without a schedule is returned as it is.

    Args:
        optimizer: An optimizer that is not built yet.
        steps: The number of steps.
    """
    inner = optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        inner = optimizer.inner_optimizer
    saved = inner.get_config()["learning_rate"]
    if steps and isinstance(saved, dict):
        inner.learning_rate = Continued(
            keras.saving.deserialize_keras_object(saved), steps
        )
    return optimizer
