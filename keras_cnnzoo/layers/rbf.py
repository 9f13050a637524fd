"""Output units that compute the distance to a fixed code instead of a dot product."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_cnnzoo.layers.registry import register_layer


@register_layer
class EuclideanRBF(keras.layers.Layer):
    """Compute the negative squared distance to each code: `-sum((x - code)**2)`.

    The codes are non-trainable weights that are chosen by hand, one per class. As for
    logits, a larger output means a better fit to the class.

    With `activation="softmax"` and cross-entropy this is the paper's discriminative
    criterion: with penalties `y = -output`, the loss for the true class D is `y_D +
    log(sum_i exp(-y_i))`. This is equation 9 without its constant `exp(-j)`, which
    stands for inputs of no class. Equation 8, the mean of `y_D` alone, is the loss
    `-output[D]` with `activation=None`.

    Distances are computed in at least float32, whatever the dtype policy.

    Args:
        codes: Array of shape `(units, features)`, one row per unit.
        activation: Activation of the output, by name or as a function.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, ..., features)`, output `(batch, ..., units)`.

    Raises:
        ValueError: The codes do not have as many values as the input has features.

    Source:
        LeCun et al., "Gradient-Based Learning Applied to Document Recognition",
        1998, equations 7 to 9, https://doi.org/10.1109/5.726791.

    Example:
        >>> unit = EuclideanRBF(codes=[[1.0, -1.0], [3.0, 2.0]])
        >>> keras.ops.convert_to_numpy(unit(keras.ops.ones((1, 2)))).tolist()
        [[-4.0, -5.0]]
    """

    def __init__(
        self,
        codes: Sequence[Sequence[float]],
        activation: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.initial_codes = np.asarray(codes, "float32").tolist()
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = np.shape(self.initial_codes)
        if shape[-1] != input_shape[-1]:
            raise ValueError(
                f"{self.name!r} has codes of {shape[-1]} numbers, but its input has "
                f"{input_shape[-1]} features: {tuple(input_shape)}."
            )
        self.codes = self.add_weight(
            name="codes",
            shape=shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(
                self.initial_codes, dtype
            ),
            trainable=False,
            dtype=keras.backend.result_type(self.variable_dtype, "float32"),
        )

    def call(self, inputs: Any) -> Any:
        x = ops.expand_dims(ops.cast(inputs, self.codes.dtype), -2)
        answer = self.activation(-ops.sum(ops.square(x - self.codes), axis=-1))
        return ops.cast(answer, self.compute_dtype)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (*input_shape[:-1], len(self.initial_codes))

    def count_macs(
        self, input_shape: tuple[Any, ...], output_shape: tuple[Any, ...]
    ) -> int:
        """Count one multiply-accumulate for each value of each code."""
        return int(np.prod(output_shape)) * input_shape[-1]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "codes": self.initial_codes,
            "activation": keras.activations.serialize(self.activation),
        }
