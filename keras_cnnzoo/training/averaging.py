"""Average the weights over the steps, with batch normalisation's statistics."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.backend.blending import blender
from keras_cnnzoo.backend.forward import at_hand


class AverageWeights(keras.callbacks.Callback):
    """Keep an exponential moving average of all weights while `fit` trains a model.

    The average often generalises better than the last weights, and varies less from
    epoch to epoch. It includes the moving statistics of batch normalisation, which
    `use_ema` of Keras's optimizers leaves out: statistics of the last weights do not
    fit the average of the others.

    Within `fit`, validation uses the average; training goes on from the plain weights,
    which the model has in all other callbacks and after `fit`. Use `swapped` to save
    the average, and `apply` to keep it.

    Nothing waits for the device. The average is taken just before the next step,
    because an `on_train_batch_end` makes Keras wait for the loss of each step on JAX.

    Args:
        decay: Share of the average that a step keeps, from 0 up to, but not including,
            1. With the same share, the average reaches back about `1 / (1 - decay)`
            steps.
        every: Steps between two updates of the average. A larger number saves time;
            an update then keeps `decay ** every`. Calls of several steps
            (`steps_per_execution`) count as so many steps.
        warmup: Whether the share is at most `(1 + n) / (10 + n)` at step `n`, so that
            the average does not remember the first, bad weights for long.

    Raises:
        ValueError: A number is out of its range.

    Example:
        >>> import numpy as np
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> model.compile("sgd", "mse")
        >>> averages = AverageWeights(decay=0.99)
        >>> history = model.fit(np.ones((8, 4)), np.ones((8, 2)), batch_size=2,
        ...                     verbose=0, callbacks=[averages])
        >>> with averages.swapped():
        ...     answers = model.predict(np.ones((1, 4)), verbose=0)

    Source:
        Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging",
        1992; Tarvainen and Valpola, "Mean teachers are better role models", 2017. The
        warm-up is that of TensorFlow's `ExponentialMovingAverage`.
    """

    def __init__(
        self, decay: float = 0.9998, *, every: int = 1, warmup: bool = True
    ) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(
                f"`decay` is from 0 up to, but not including, 1. Received: {decay}"
            )
        if every < 1:
            raise ValueError(f"`every` is at least 1 step. Received: {every}")
        self.decay = decay
        self.every = every
        self.warmup = warmup
        self._averages: list[keras.Variable] = []
        # Steps so far, and steps at the last update, here and where they are saved.
        self._steps, self._updated = 0, 0
        self._counts: keras.Variable | None = None
        # The first step of the call of the step function that runs, or ran last.
        self._running: int | None = None
        self._kept: list[Any] = []

    @property
    def variables(self) -> list[keras.Variable]:
        """The whole state, to be saved and assigned; empty before `build`.

        For a callback that comes later in the list, it includes every step before the
        current one in `on_train_batch_begin`, and all steps in `on_epoch_end`. In
        `on_train_batch_end`, call `catch_up` first. `fit` goes on from the values that
        it finds here.
        """
        return [] if self._counts is None else [*self._averages, self._counts]

    def build(self, model: keras.Model) -> None:
        """Make the variables. `fit` does so too; to restore a state, it comes first.

        Args:
            model: The model, built.
        """
        weights = _averaged(model)
        self._averages = [
            keras.Variable(
                ops.zeros(weight.shape, _exact(weight.dtype)),
                trainable=False,
                name=f"{weight.path.replace('/', '_')}_average",
            )
            for weight in weights
        ]
        # On one device: a number that changes at every step must not wait for others.
        spread = keras.distribution.distribution()
        keras.distribution.set_distribution(None)
        self._counts = keras.Variable([0, 0], dtype="int32", trainable=False)
        keras.distribution.set_distribution(spread)
        self._blend = blender(self._averages, weights)

    @contextlib.contextmanager
    def swapped(self, model: keras.Model | None = None) -> Iterator[keras.Model]:
        """Give a model the averaged weights within the context.

        Args:
            model: The trained model, or one of the same architecture. None takes the
                one that was trained.

        Raises:
            ValueError: There is no average yet, or the model has other weights.
        """
        model = self._checked(model)
        kept = [_copy(weight) for weight in _averaged(model)]
        self.apply(model)
        try:
            yield model
        finally:
            _restore(model, kept)

    def apply(self, model: keras.Model | None = None) -> None:
        """Set the weights of a model to the average.

        Args:
            model: As for `swapped`.

        Raises:
            ValueError: As by `swapped`.
        """
        model = self._checked(model)
        for weight, average in zip(_averaged(model), self._averages, strict=True):
            weight.assign(_copy(average))

    def catch_up(self) -> None:
        """Include the step that has just ended; `fit` does so before the next one."""
        if self._running is None:
            return
        steps = self.params.get("steps") if self.params else None
        done = self.model.steps_per_execution
        if steps is not None:
            done = min(done, steps - self._running)
        self._running = None
        self._advance(done)

    def on_train_begin(self, logs: Any = None) -> None:
        self._running = None
        self._read_counts()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self._running is not None:
            self._advance(batch - self._running)
        self._running = batch

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self.catch_up()

    def on_test_begin(self, logs: Any = None) -> None:
        self.catch_up()
        if self._updated:
            self._kept = [_copy(weight) for weight in _averaged(self.model)]
            self.apply()

    def on_test_end(self, logs: Any = None) -> None:
        if self._kept:
            _restore(self.model, self._kept)
            self._kept = []

    def _advance(self, steps: int) -> None:
        """Count steps, and update the average if it is time."""
        before, self._steps = self._steps, self._steps + steps
        if self._counts is None:
            self.build(self.model)
        if self._steps // self.every > before // self.every:
            # On JAX, the step has the weights until they are asked for.
            at_hand(self.model)
            self._blend(self._share())
            self._updated = self._steps
        assert self._counts is not None
        self._counts.assign([self._steps, self._updated])

    def _share(self) -> float:
        """Return the share of the present weights in the new average."""
        if not self._updated:
            return 1.0
        decay = self.decay
        if self.warmup:
            decay = min(decay, (1 + self._steps) / (10 + self._steps))
        return float(1 - decay ** (self._steps - self._updated))

    def _read_counts(self) -> None:
        if self._counts is not None:
            self._steps, self._updated = ops.convert_to_numpy(self._counts).tolist()

    def _checked(self, model: keras.Model | None) -> keras.Model:
        self._read_counts()
        if not self._updated:
            raise ValueError(
                f"There is no average yet, after {self._steps} steps. Train with this "
                f"callback for at least `every`={self.every} steps first."
            )
        model = self.model if model is None else model
        at_hand(model)
        shapes = [tuple(average.shape) for average in self._averages]
        if [tuple(weight.shape) for weight in _averaged(model)] != shapes:
            raise ValueError(
                f"{model.name!r} has other weights than the trained model, and cannot "
                "take its average. Build it with the same arguments."
            )
        return model


def _averaged(model: keras.Model) -> list[keras.Variable]:
    """Return the weights that have an average: all but counters and other integers."""
    return [w for w in model.weights if keras.backend.is_float_dtype(w.dtype)]


def _exact(dtype: str) -> str:
    """Return the dtype of an average: in 16 bits, small changes would be lost."""
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def _restore(model: keras.Model, values: Sequence[Any]) -> None:
    # What a failed step on JAX has taken out of the model must not come back later.
    at_hand(model)
    for weight, value in zip(_averaged(model), values, strict=True):
        weight.assign(value)


def _copy(variable: keras.Variable) -> Any:
    # A step on JAX destroys the array that it is given, and so must have its own.
    return ops.copy(ops.stop_gradient(variable.value))
