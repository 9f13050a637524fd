"""Initializers that Keras does not have."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_cnnzoo")
class FanInUniform(keras.initializers.Initializer):
    """Draw uniformly from `±scale / fan_in`, as in the networks of the 1990s.

    The fan-in is an argument, since the shape does not tell it for biases, which have
    the fan-in of their unit, and for partly connected filters.

    Args:
        fan_in: Number of inputs of a unit. A sequence gives one number for each entry
            of the weight's last axis.
        scale: The limit of the values, times the fan-in.
        seed: Seed of the random numbers. With an integer, every call draws the same
            values.

    Source:
        LeCun et al., "Gradient-Based Learning Applied to Document Recognition",
        1998, appendix A, https://doi.org/10.1109/5.726791.

    Example:
        >>> layer = keras.layers.Dense(4, kernel_initializer=FanInUniform(24))
        >>> layer.build((None, 24))
        >>> bool(keras.ops.max(keras.ops.abs(layer.kernel)) <= 0.1)
        True
    """

    def __init__(
        self,
        fan_in: float | Sequence[float],
        scale: float = 2.4,
        seed: int | None = None,
    ) -> None:
        self.fan_in = fan_in
        self.scale = scale
        self.seed = seed
        self._uniform = keras.initializers.RandomUniform(-1.0, 1.0, seed)

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Any:
        limit = self.scale / ops.convert_to_tensor(self.fan_in, dtype or "float32")
        return self._uniform(shape, dtype) * limit

    def get_config(self) -> dict[str, Any]:
        return {"fan_in": self.fan_in, "scale": self.scale, "seed": self.seed}


def fresh(initializer: Any) -> Any:
    """Return a copy that draws its own values, if the initializer can be copied.

    A shared initializer gives weights of the same shape the same values.
    """
    clone = getattr(initializer, "clone", None)
    return initializer if clone is None else clone()
