"""The learning rate over a training, made from a recipe with Keras's own schedules."""

from typing import Any

import keras
from keras import ops
from keras.optimizers import schedules

from keras_cnnzoo.training.recipe import Recipe


@keras.saving.register_keras_serializable("keras_cnnzoo")
class WarmUp(schedules.LearningRateSchedule):
    """Rise along a line to a learning rate, hold it, and go on with another schedule.

    Args:
        then: The schedule after the rise, whose step 0 comes after `hold`.
        rise: Steps of the rise.
        start: Learning rate at step 0, where the rise begins.
        top: Learning rate at the end of the rise.
        hold: Steps at `top` after the rise.

    Source:
        Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour",
        2017, section 2.2.
    """

    def __init__(
        self,
        then: schedules.LearningRateSchedule,
        *,
        rise: int,
        start: float,
        top: float,
        hold: int = 0,
    ) -> None:
        super().__init__()
        self.then = then
        self.rise, self.start, self.top, self.hold = rise, start, top, hold

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        rising = self.start + (self.top - self.start) * step / max(1, self.rise)
        after = self.then(ops.maximum(step - self.rise - self.hold, 0.0))
        return ops.where(step < self.rise, rising, after)

    def get_config(self) -> dict[str, Any]:
        return {
            "then": schedules.serialize(self.then),
            "rise": self.rise,
            "start": self.start,
            "top": self.top,
            "hold": self.hold,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WarmUp":
        return cls(**config | {"then": schedules.deserialize(config["then"])})


def make_schedule(recipe: Recipe, total: int) -> schedules.LearningRateSchedule:
    """Make the learning rate schedule of a recipe.

    Args:
        recipe: The recipe.
        total: Steps of the whole training.
    """
    settings, top = recipe.schedule, recipe.optimizer.learning_rate
    rise = round(recipe.share(settings.warmup) * total)
    hold = round(recipe.share(settings.hold) * total)
    falling = max(1, total - rise - hold)
    then: schedules.LearningRateSchedule
    if settings.kind == "cosine":
        then = schedules.CosineDecay(top, falling, alpha=settings.floor)
    elif settings.kind == "linear":
        then = schedules.PolynomialDecay(top, falling, settings.floor * top)
    elif settings.kind == "constant":
        then = schedules.PolynomialDecay(top, falling, top)
    else:
        # Keras keeps a rate up to and including its boundary.
        ends = [round(recipe.share(m) * total) - 1 for m in settings.milestones]
        rates = [top]
        for factor in settings.factors:
            rates.append(rates[-1] * factor)
        then = schedules.PiecewiseConstantDecay([e - rise for e in ends], rates)
    if not rise + hold:
        return then
    start = settings.warmup_from * top
    return WarmUp(then, rise=rise, start=start, top=top, hold=hold)
