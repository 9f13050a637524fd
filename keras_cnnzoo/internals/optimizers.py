"""Reach into a step of an optimizer: the weight it updates, and its gradients."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


def weight_of(
    optimizer: keras.optimizers.Optimizer, variable: object
) -> keras.Variable:
    """Return the model's weight of a variable passed to an optimizer's `update_step`.

    On TensorFlow, Keras passes a TensorFlow variable, which has no path.
    """
    weight: keras.Variable = optimizer._trainable_variables[
        optimizer._get_variable_index(variable)
    ]
    return weight


def own_class(optimizer: Any) -> Any:
    """Return the class that Keras makes in place of an optimizer on this backend.

    On PyTorch, this one updates all weights by a few calls, which a subclass of the
    public class does not: its steps take ten times as long.
    """
    return type(optimizer.__new__(optimizer))


class L2:
    """Makes an optimizer add its weights, times a factor, to their clipped gradients.

    Args:
        l2: The factor.
        without: Parts of the names of weights that are left out, such as "bias".
    """

    def __init__(
        self, *args: Any, l2: float = 0.0, without: Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.l2 = l2
        self.without = tuple(without)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        if self._decays(weight_of(self, variable)):
            gradient = ops.cast(gradient, variable.dtype) + self.l2 * variable
        super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]

    def _parallel_update_step(
        self, grads: Any, variables: Any, learning_rate: Any
    ) -> None:
        # PyTorch's `own_class` calls this in place of `update_step`.
        decayed = [
            gradient.add(variable.value, alpha=self.l2)
            if self._decays(variable)
            else gradient
            for gradient, variable in zip(grads, variables, strict=True)
        ]
        super()._parallel_update_step(  # type: ignore[misc]
            decayed, variables, learning_rate
        )

    def _decays(self, weight: keras.Variable) -> bool:
        return not any(part in weight.name for part in self.without)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments to make it again."""
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        return {**config, "l2": self.l2, "without": list(self.without)}
