"""Give each weight its own learning rate in an optimizer, and copy what Keras drops."""

import abc
from collections.abc import Sequence
from typing import Any

import keras


class RatePerWeight(abc.ABC):
    """Mixed into an optimizer, multiplies the learning rate of each weight by a factor.

    It also scales the weight decay, which Keras multiplies by the learning rate.
    """

    #: The factor on the learning rate that is read at this moment.
    _factor = 1.0

    @abc.abstractmethod
    def factor_of(self, path: str) -> float:
        """Return the factor of the weight with that path."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        learning_rate = learning_rate * self._factor_of(variable)
        super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]

    def _get_current_learning_rate(self) -> Any:
        rate = super()._get_current_learning_rate()  # type: ignore[misc]
        return rate if self._factor == 1 else rate * self._factor

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        groups: dict[float, list[Any]] = {}
        for variable in variables:
            # PyTorch refuses to decay an empty group.
            if self._use_weight_decay(variable):  # type: ignore[attr-defined]
                groups.setdefault(self._factor_of(variable), []).append(variable)
        for factor, group in groups.items():
            self._factor = factor
            try:
                super()._apply_weight_decay(group)  # type: ignore[misc]
            finally:
                self._factor = 1.0

    def _factor_of(self, variable: Any) -> float:
        # On TensorFlow, Keras passes a TensorFlow variable, which has no path.
        index = self._get_variable_index(variable)  # type: ignore[attr-defined]
        weight = self._trainable_variables[index]  # type: ignore[attr-defined]
        return self.factor_of(weight.path)


def public_class(optimizer: keras.optimizers.Optimizer) -> type:
    """Return the class that a user named; on PyTorch, Keras makes one of its own."""
    return next(
        kind
        for kind in type(optimizer).__mro__
        if not kind.__module__.startswith("keras.src.backend.torch")
    )


def copy_decay_exclusions(
    optimizer: keras.optimizers.Optimizer, other: keras.optimizers.Optimizer
) -> None:
    """Exclude the same weights from weight decay; an optimizer's config omits them."""
    # In float16, `compile` wraps the optimizer that it is given.
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    other = getattr(other, "inner_optimizer", other)
    for name in ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern"):
        if hasattr(optimizer, name):
            setattr(other, name, getattr(optimizer, name))
