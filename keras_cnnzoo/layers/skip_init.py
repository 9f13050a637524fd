"""One learned factor for a whole residual branch."""

from typing import Any

import keras

from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer


@register_layer
class SkipInit(keras.layers.Layer):
    """Multiply by one learned scalar.

    At the end of a residual branch, and initialised with 0, it makes every block start
    as the identity, so that deep networks train without normalisation.

    Args:
        initial: Initial value of the scalar.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input and output `(batch, ...)`.

    Source:
        De and Smith, "Batch Normalization Biases Residual Blocks Towards the Identity
        Function in Deep Networks", 2020, https://arxiv.org/abs/2002.10444, section 4.

    Example:
        >>> float(SkipInit(0.5)(keras.ops.ones((1, 1)))[0, 0])
        0.5
    """

    def __init__(self, initial: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, input_shape: tuple[Any, ...]) -> None:
        self.gain = self.add_weight(
            name="gain",
            shape=(),
            initializer=keras.initializers.Constant(self.initial),
        )

    def call(self, inputs: Any) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        return inputs * self.gain

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"initial": self.initial}
