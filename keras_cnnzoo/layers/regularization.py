"""Stochastic depth: drop whole branches of a network in training."""

from typing import Any

import keras
from keras import ops

from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer
from keras_cnnzoo.layers.stateless import is_stateless


@register_layer
class DropPath(keras.layers.Layer):
    """Zero a residual branch for random samples, and scale it up for the others.

    Args:
        rate: Probability that the branch is dropped for a sample, from 0 to below 1.
        seed: Seed of the random numbers; None draws a random seed.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input and output `(batch, ...)`.

    Raises:
        ValueError: `rate` is below 0, or not below 1.

    Source:
        Huang et al., "Deep Networks with Stochastic Depth", 2016,
        https://arxiv.org/abs/1603.09382, section 3, in the form that scales while
        training, so that inference is the identity.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` is at least 0, below 1. Received: {rate}")
        self.rate = rate
        self.seed = seed
        if rate:
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = is_stateless(self)

    def call(self, inputs: Any, training: bool = False) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        if not training or not self.rate:
            return inputs
        keep = 1.0 - self.rate
        shape = (ops.shape(inputs)[0], *(1 for _ in inputs.shape[1:]))
        stays = keras.random.uniform(shape, seed=self.seed_generator) < keep
        return inputs * ops.cast(stays, inputs.dtype) / keep

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"rate": self.rate, "seed": self.seed}
