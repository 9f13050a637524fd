"""Join parallel paths by their mean, and drop some of them while training."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer
from keras_cnnzoo.layers.stateless import is_stateless


def _check_rate(rate: float) -> float:
    if not 0 <= rate <= 1:
        raise ValueError(f"`rate` is from 0 to 1. Received: {rate}")
    return rate


@register_layer
class DropPathMean(keras.layers.Layer):
    """Take the mean of several maps; in training, of those that are not dropped.

    Each is dropped by itself, but never all: the mean is of those that stay, so that
    nothing needs scaling, and inference is the mean of all. One draw holds for the
    whole batch. Call it as `DropPathMean()(maps)`, or `DropPathMean()(maps,
    alone=alone)` with what a `DropPathColumn` drew: where that names one of the maps,
    this one stands for the mean.

    Args:
        rate: Probability that a map is dropped, from 0 to 1.
        seed: Start of the random numbers; None draws one.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input a list of maps of one shape, and `alone` of `(batch, columns)`, of whose
        columns the maps are the last. Output one map of that shape.

    Raises:
        ValueError: `rate` is not in 0..1.

    Note:
        What leads to a dropped map is computed all the same: it gets no gradient, but
        a batch norm in it sees the batch.

    Source:
        Larsson, Maire and Shakhnarovich, "FractalNet: Ultra-Deep Neural Networks
        without Residuals", 2016, https://arxiv.org/abs/1605.07648, section 3.

    Example:
        >>> x = keras.ops.ones((1, 2, 2, 1))
        >>> float(DropPathMean()([x, 3 * x])[0, 0, 0, 0])
        2.0
    """

    def __init__(
        self, rate: float = 0.15, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.rate = _check_rate(rate)
        self.seed = seed
        if rate:
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = is_stateless(self)

    def call(self, inputs: Any, alone: Any = None, training: bool = False) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        if not training or (alone is None and not self.rate):
            return sum(inputs[1:], start=inputs[0]) / len(inputs)
        shares = ops.cast(self._shares(len(inputs), alone), self.compute_dtype)
        each = (-1, *(1 for _ in inputs[0].shape[1:]))
        terms = [ops.reshape(shares[:, i], each) * x for i, x in enumerate(inputs)]
        return sum(terms[1:], start=terms[0])

    def _shares(self, count: int, alone: Any) -> Any:
        """Draw the share of each map in the sum, as `(batch or 1, count)`."""
        stay = ops.ones((1, count))
        if self.rate:
            drawn = keras.random.uniform((1, count), seed=self.seed_generator)
            # Where all would be dropped, the last to go is the one that stays.
            least = ops.minimum(ops.max(drawn), self.rate)
            stay = ops.cast(drawn >= least, "float32")
        shares = stay / ops.sum(stay)
        if alone is None:
            return shares
        named = ops.cast(alone[:, -count:], "float32")
        return named + (1 - ops.sum(named, axis=1, keepdims=True)) * shares

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"rate": self.rate, "seed": self.seed}


@register_layer
class DropPathColumn(keras.layers.Layer):
    """Draw which one column of a network has to do alone, if any.

    All joins of a network that are given the same draw drop every other column, so that
    each learns to answer by itself. One draw holds for the whole batch.

    Args:
        columns: Number of columns to draw from.
        rate: Probability that one has to do alone; else, and outside of training, none.
        seed: Start of the random numbers; None draws one.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, ...)`, of which only the size of the batch counts, output
        `(batch, columns)`: 1 for the column drawn, 0 for the others, or all 0.

    Raises:
        ValueError: There is no column, or `rate` is not in 0..1.

    Source:
        As `DropPathMean`: its global sampling.

    Example:
        >>> import numpy as np
        >>> alone = DropPathColumn(3, rate=1.0)(np.zeros((4, 8)), training=True)
        >>> float(keras.ops.sum(alone))
        4.0
    """

    def __init__(
        self, columns: int, rate: float = 0.5, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if columns < 1:
            raise ValueError(f"`columns` is at least 1. Received: {columns}")
        self.columns = columns
        self.rate = _check_rate(rate)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = is_stateless(self)

    def call(self, inputs: Any, training: bool = False) -> Any:
        alone = ops.zeros((ops.shape(inputs)[0], self.columns), self.compute_dtype)
        if not training:
            return alone
        column = keras.random.randint((), 0, self.columns, seed=self.seed_generator)
        drawn = keras.random.uniform((), seed=self.seed_generator) < self.rate
        row = ops.one_hot(column, self.columns, dtype=self.compute_dtype)
        return alone + row * ops.cast(drawn, self.compute_dtype)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (input_shape[0], self.columns)

    def get_config(self) -> dict[str, Any]:
        own = ("columns", "rate", "seed")
        return super().get_config() | {name: getattr(self, name) for name in own}
