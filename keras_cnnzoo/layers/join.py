"""Join parallel paths by their mean, and drop some of them in training."""

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
    """Average several feature maps; in training, only those that are not dropped.

    Each feature map is dropped independently, but at least one is kept. The output is
    the mean of those that are kept, so it needs no rescaling; in inference it is the
    mean of all. The whole batch shares one draw. Call it as `DropPathMean()(maps)`, or
    as `DropPathMean()(maps, alone=alone)` with the output of a `DropPathColumn`: if
    that selects one of the feature maps, the output is this one instead of the mean.

    Args:
        rate: Probability that a feature map is dropped, from 0 to 1.
        seed: Seed of the random numbers; None draws a random seed.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input a list of feature maps of the same shape, and `alone` of shape `(batch,
        columns)`, whose last columns belong to these feature maps. Output one feature
        map of the same shape.

    Raises:
        ValueError: `rate` is not in 0..1.

    Note:
        A dropped path is still computed. It gets no gradient, but its batch norms
        update their statistics.

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
        """Draw the weight of each feature map in the sum, as `(batch or 1, count)`."""
        stay = ops.ones((1, count))
        if self.rate:
            drawn = keras.random.uniform((1, count), seed=self.seed_generator)
            # If all would be dropped, the one with the largest draw is kept.
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
    """Draw the single column that is used for a training batch, if any.

    All joins of a network that receive the same draw then drop the other columns, so
    that each column learns to classify on its own. The whole batch shares one draw.

    Args:
        columns: Number of columns to draw from.
        rate: Probability that a single column is drawn. Otherwise, and in inference,
            none is.
        seed: Seed of the random numbers; None draws a random seed.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, ...)`, of which only the batch size is used. Output `(batch,
        columns)`: 1 for the column drawn and 0 for the others, or all 0.

    Raises:
        ValueError: `columns` is below 1, or `rate` is not in 0..1.

    Source:
        The global sampling of the paper that `DropPathMean` names.

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
