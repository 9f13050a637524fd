"""Reach into an optimizer: the weights it updates, their rates, and its gradients."""

import abc
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


def public_class(optimizer: keras.optimizers.Optimizer) -> type:
    """Return the class that a user named, of which `own_class` is another one."""
    return next(
        kind
        for kind in type(optimizer).__mro__
        if not kind.__module__.startswith("keras.src.backend.torch")
    )


def unwrapped(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Return the optimizer that updates the weights.

    In float16, `compile` wraps the one that it is given, to scale the loss.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer.inner_optimizer
    return optimizer


def copy_decay_exclusions(
    optimizer: keras.optimizers.Optimizer, other: keras.optimizers.Optimizer
) -> None:
    """Exclude the same weights from weight decay; an optimizer's config omits them."""
    optimizer, other = unwrapped(optimizer), unwrapped(other)
    for name in ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern"):
        if hasattr(optimizer, name):
            setattr(other, name, getattr(optimizer, name))


class RatePerWeight(abc.ABC):
    """Makes an optimizer multiply the learning rate of each weight by a factor.

    It also scales the weight decay, which Keras multiplies by the learning rate.
    """

    #: The factor on the learning rate that is read at this moment.
    _factor = 1.0

    @abc.abstractmethod
    def factor_of(self, path: str) -> float:
        """Return the factor of the weight with that path."""

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Look up the factors of the weights, and create the optimizer's variables."""
        self._factors = tuple(self.factor_of(variable.path) for variable in variables)
        super().build(variables)  # type: ignore[misc]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        learning_rate = learning_rate * self._factor_of(variable)
        super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]

    def _parallel_update_step(
        self, grads: Any, variables: Any, learning_rate: Any
    ) -> None:
        # PyTorch's `own_class` calls this in place of `update_step`.
        gradients = dict(zip(map(id, variables), grads, strict=True))
        for factor, group in self._by_factor(variables).items():
            super()._parallel_update_step(  # type: ignore[misc]
                [gradients[id(v)] for v in group], group, learning_rate * factor
            )

    def _get_current_learning_rate(self) -> Any:
        rate = super()._get_current_learning_rate()  # type: ignore[misc]
        return rate if self._factor == 1 else rate * self._factor

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        # PyTorch refuses to decay an empty group.
        decayed = [v for v in variables if self._use_weight_decay(v)]  # type: ignore[attr-defined]
        for factor, group in self._by_factor(decayed).items():
            self._factor = factor
            try:
                super()._apply_weight_decay(group)  # type: ignore[misc]
            finally:
                self._factor = 1.0

    def _by_factor(self, variables: Sequence[Any]) -> dict[float, list[Any]]:
        groups: dict[float, list[Any]] = {}
        for variable in variables:
            groups.setdefault(self._factor_of(variable), []).append(variable)
        return groups

    def _factor_of(self, variable: Any) -> float:
        return self._factors[self._get_variable_index(variable)]  # type: ignore[attr-defined]


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


class DecayInRatio(L2):
    """Makes `keras.optimizers.Lamb` add the weight decay to what its ratio scales.

    Keras subtracts the decay from the weights beside the step, where the ratio of their
    norm to that of the step, often a hundredth, does not reduce it.

    Args:
        l2: The weight decay.
        without: Parts of the names of weights without decay, such as "bias". Their
            steps are those of Adam, without the ratio, as in timm.
    """

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        own: Any = self
        index = own._get_variable_index(variable)
        mean, square = own._momentums[index], own._velocities[index]
        gradient, rate, step, beta_1, beta_2 = (
            ops.cast(value, variable.dtype)
            for value in (
                *(gradient, learning_rate, own.iterations + 1),
                *(own.beta_1, own.beta_2),
            )
        )
        own.assign_add(mean, (gradient - mean) * (1 - beta_1))
        own.assign_add(square, (ops.square(gradient) - square) * (1 - beta_2))
        root = ops.sqrt(square / (1 - ops.power(beta_2, step)))
        update = mean / (1 - ops.power(beta_1, step)) / (root + own.epsilon)
        if self._decays(weight_of(self, variable)):
            update = update + self.l2 * variable
            weight, change = (
                ops.sqrt(ops.sum(ops.square(value))) for value in (variable, update)
            )
            one = ops.ones_like(change)
            known = ops.logical_and(weight > 0, change > 0)
            update = update * ops.where(
                known, weight / ops.where(known, change, one), one
            )
        own.assign_sub(variable, rate * update)
