"""The learning-rate range test: find a learning rate by raising it step by step."""

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_cnnzoo.internals.learning_rate import restart, scheduled
from keras_cnnzoo.internals.mending import mended
from keras_cnnzoo.internals.retracing import trace_anew

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The test ends when the smoothed loss is this many times the lowest one.
EXPLODED = 4.0
#: The fewest steps that show a course.
FEWEST = 10
#: A loss has fallen below this share of that at the start, or there is no suggestion.
FALLEN = 0.98
#: Batch size for arrays.
BATCH = 32


@dataclass(frozen=True)
class LearningRates:
    """The losses of a learning-rate range test.

    Attributes:
        rates: The learning rate of each step, ascending, `(steps,)`.
        losses: The loss of each step's batch, before its update.
        smoothed: The losses, averaged over steps with exponentially decaying weights.
        steepest: The learning rate at which the smoothed loss falls fastest.
        valley: A learning rate in the middle of its longest fall.
        suggestion: The one to take, `valley`. None if the loss did not fall.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    steepest: float | None
    valley: float | None

    @property
    def suggestion(self) -> float | None:
        return self.valley

    def plot(self, *, title: str | None = None) -> "Figure":
        """Draw the losses by learning rate, and the suggestions."""
        from keras_cnnzoo.inspect.figures.style import (
            BLUE,
            GREY,
            ORANGE,
            new_figure,
            plain,
        )

        figure = new_figure(6.5, 4.5, title)
        axes = figure.subplots()
        axes.plot(self.rates, self.losses, color=GREY, lw=0.8, label="each step")
        axes.plot(self.rates, self.smoothed, color=BLUE, lw=2, label="smoothed")
        for name, rate in (("steepest", self.steepest), ("valley", self.valley)):
            if rate is not None:
                height = np.interp(math.log(rate), np.log(self.rates), self.smoothed)
                axes.plot(rate, height, "o", color=ORANGE, ms=8)
                axes.annotate(
                    f"{name} {rate:.2g}",
                    (rate, height),
                    (6, 8),
                    textcoords="offset points",
                    color=ORANGE,
                )
        plain(axes, "learning rate", "Loss")
        axes.set_xscale("log")
        low, high = self.smoothed.min(), self.smoothed.max()
        axes.set_ylim(low - 0.1 * (high - low), high + 0.15 * (high - low))
        axes.legend(frameon=False, loc="lower left")
        return figure


def find_learning_rate(
    model: keras.Model,
    data: Any,
    *,
    lowest: float = 1e-6,
    highest: float = 1.0,
    steps: int = 100,
    smoothing: float = 0.9,
    class_weight: Mapping[int, float] | None = None,
) -> LearningRates:
    """Find a learning rate for a compiled model, by raising it step by step.

    The model is trained for a few steps, whose learning rate rises exponentially from
    `lowest` to `highest`. The test ends early when the loss explodes. Afterwards, the
    model, its optimizer, its batch norm statistics and its random numbers are exactly
    as before.

    A schedule should have the suggestion as its highest learning rate. It depends on
    batch size, optimizer and weight decay, so compile the model as for the training.

    Args:
        model: A compiled model.
        data: Batches of inputs and labels, such as `data.load(...).train`, that can be
            gone through again; or a pair of arrays, of which batches of 32 are taken
            in order.
        lowest: The first learning rate.
        highest: The last learning rate.
        steps: Number of steps, at least 10. Data with fewer batches are repeated.
        smoothing: Weight of the earlier steps in the smoothed loss, from 0 to below 1.
        class_weight: The weight of each class in the loss, as for `fit`.

    Raises:
        ValueError: The model is not compiled, there are no data, the loss is not finite
            in the first steps, or an argument is out of range.

    Source:
        Smith, Cyclical Learning Rates for Training Neural Networks, 2017, section 3.3,
        https://arxiv.org/abs/1506.01186. `valley` is that of fast.ai's `lr_find`
        (https://docs.fast.ai/callback.schedule.html).
    """
    _check(model, lowest, highest, steps, smoothing)
    schedule = keras.optimizers.schedules.ExponentialDecay(
        lowest, decay_steps=steps - 1, decay_rate=highest / lowest
    )
    batches = _batches(data)
    rates: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    with _restored(model), scheduled(model.optimizer, schedule), mended(model):
        restart(model.optimizer)
        average = 0.0
        for step in range(steps):
            rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
            logs = model.train_on_batch(
                *next(batches), class_weight=class_weight, return_dict=True
            )
            loss = float(logs["loss"])
            if not math.isfinite(loss):
                break
            rates.append(rate)
            losses.append(loss)
            average = smoothing * average + (1 - smoothing) * loss
            smoothed.append(average / (1 - smoothing ** (step + 1)))
            if step >= FEWEST and smoothed[-1] > EXPLODED * min(smoothed):
                break
    if len(losses) < FEWEST:
        raise ValueError(
            f"The loss is not finite after {len(losses)} steps, at a learning rate of "
            f"{rate:.2g}. Lower `lowest`, now {lowest:g}, or look at the data."
        )
    return _result(*map(np.array, (rates, losses, smoothed)))


def _check(
    model: keras.Model, lowest: float, highest: float, steps: int, smoothing: float
) -> None:
    if getattr(model, "optimizer", None) is None:
        raise ValueError(
            f"{model.name!r} has no optimizer. Compile it as for the training."
        )
    if not model.trainable_variables:
        raise ValueError(
            f"{model.name!r} has no weights to train: it has no input shape yet, or "
            "all layers are frozen."
        )
    if not 0 < lowest < highest < math.inf:
        raise ValueError(
            "`lowest` and `highest` are positive, and the second is higher. Received: "
            f"{lowest} and {highest}"
        )
    if steps < FEWEST or not 0 <= smoothing < 1:
        raise ValueError(
            f"`steps` is at least {FEWEST}, and `smoothing` from 0 to below 1. "
            f"Received: {steps} and {smoothing}"
        )


@contextlib.contextmanager
def _restored(model: keras.Model) -> Iterator[None]:
    """Leave a model and its optimizer exactly as they were before the context."""
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    variables = [*model.variables, *optimizer.variables]
    # Copies, since on JAX a step reuses the memory of the arrays that it replaces.
    before = [np.array(keras.ops.convert_to_numpy(v)) for v in variables]
    # On TensorFlow, `train_on_batch` has one batch for as many steps as a call makes.
    at_once, model.steps_per_execution = model.steps_per_execution, 1
    trace_anew(model)
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        model.reset_metrics()
        model.steps_per_execution = at_once
        trace_anew(model)


def _batches(data: Any) -> Iterator[tuple[Any, ...]]:
    """Yield batches again and again, each as inputs, labels and maybe weights."""
    if isinstance(data, tuple):
        inputs, labels = data
        starts = range(0, len(inputs), BATCH)
        data = [(inputs[i : i + BATCH], labels[i : i + BATCH]) for i in starts]
    while True:
        found = 0
        # A `PyDataset` that is iterated over ends only by an exception of its own.
        indexed = isinstance(data, keras.utils.PyDataset)
        for batch in map(data.__getitem__, range(len(data))) if indexed else data:
            found += 1
            yield keras.tree.map_structure(np.asarray, tuple(batch))
        if not found:
            raise ValueError(
                "The data have no batches, or can be gone through only once. Give a "
                "data set, or a pair of arrays."
            )


def _result(
    rates: np.ndarray, losses: np.ndarray, smoothed: np.ndarray
) -> LearningRates:
    # With a loss scale, a step that overflows is skipped, and its rate comes again.
    taken = np.append(True, np.diff(rates) > 0)
    rates, losses, smoothed = rates[taken], losses[taken], smoothed[taken]
    # The first averages are of a few batches.
    begin = len(rates) // 10
    falls = smoothed[begin:].min() < FALLEN * smoothed[begin]
    return LearningRates(
        rates=rates,
        losses=losses,
        smoothed=smoothed,
        steepest=steepest(rates[begin:], smoothed[begin:]) if falls else None,
        valley=valley(rates[begin:], smoothed[begin:]) if falls else None,
    )


def steepest(rates: np.ndarray, losses: np.ndarray) -> float:
    """Return the learning rate from which a loss falls fastest by its logarithm."""
    slopes = np.diff(losses) / np.diff(np.log(rates))
    return float(rates[slopes.argmin()])


def valley(rates: np.ndarray, losses: np.ndarray) -> float:
    """Return a learning rate in the middle of the longest fall of a loss.

    The fall is the longest sequence of steps, not all of them neighbours, each of which
    has a lower loss than the one before.
    """
    lengths = np.ones(len(losses), int)
    for i in range(1, len(losses)):
        higher = losses[:i] > losses[i]
        if higher.any():
            lengths[i] = lengths[:i][higher].max() + 1
    end = int(lengths.argmax())
    third = lengths[end] / 3
    return float(rates[end - lengths[end] + int(third) + int(third / 2)])
