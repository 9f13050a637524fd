"""Optimizers with a learning rate for each layer, such as lower ones for early layers.

from keras_cnnzoo.training import layer_rates, with_rates
optimizer = with_rates(keras.optimizers.AdamW(1e-4), layer_rates(model, 0.75))
"""

import functools
import math
from collections.abc import Mapping
from typing import Any

import keras

from keras_cnnzoo.internals.optimizers import (
    RatePerWeight,
    copy_decay_exclusions,
    own_class,
    public_class,
)
from keras_cnnzoo.training.stages import stages


def layer_rates(model: keras.Model, decay: float = 0.75) -> dict[str, float]:
    """Return factors on the learning rate that fall from the head to the stem.

    The factor is `decay ** depth`. The head, the last layer with weights, has depth 0;
    the last stage has depth 1, the one before it depth 2, and so on to the stem.

    A stage is what the layers' names say ("stage3_block1"), with what follows up to the
    next stage. In a network without such names, a stage begins where the resolution
    falls, for good, to two thirds or less of what it was at the beginning of the last
    stage. Each dense layer after the last feature map is a stage.

    Args:
        model: Any built Functional or Sequential model.
        decay: Factor from each stage to the one before it, above 0 and up to 1.

    Returns:
        The factor of each weight, by its path. Pass them to `with_rates`.

    Raises:
        ValueError: `decay` is out of range, or the model has no weights.

    Source:
        Bao et al., "BEiT: BERT Pre-Training of Image Transformers", 2021, appendix;
        Liu et al., "A ConvNet for the 2020s", 2022, appendix A.2. Their groups are
        blocks, or three blocks; a stage here has more.

    Example:
        >>> body, head = keras.layers.Dense(3), keras.layers.Dense(2)
        >>> rates = layer_rates(keras.Sequential([keras.Input((4,)), body, head]), 0.5)
        >>> rates[body.kernel.path], rates[head.kernel.path]
        (0.5, 1.0)
    """
    if not 0 < decay <= 1:
        raise ValueError(f"`decay` is above 0 and up to 1. Received: {decay}")
    return {
        weight.path: decay**depth
        for depth, stage in enumerate(reversed(stages(model)))
        for path in stage
        for weight in path[-1].weights
    }


def with_rates(
    optimizer: keras.optimizers.Optimizer, rates: Mapping[str, float]
) -> keras.optimizers.Optimizer:
    """Return a new optimizer with a factor on the learning rate of each weight.

    A factor also scales the weight's decay, as the learning rate of a parameter group
    does in PyTorch. Everything else is as in the given optimizer: settings, schedule,
    what is excluded from weight decay. Its state (momenta, step count) is not copied.

    Args:
        optimizer: Any Keras optimizer that updates one weight at a time: all but
            `MultiOptimizer`, which has settings for each weight itself. Factors that it
            has already are replaced.
        rates: Positive factors by the path of a weight or the beginning of a path, such
            as "stage3_block1/"; if several fit, the longest counts. Where none fits,
            the factor is 1.

    Raises:
        ValueError: A factor is not positive and finite.
        TypeError: The optimizer is a `MultiOptimizer`, or not an optimizer.

    Example:
        >>> optimizer = with_rates(keras.optimizers.SGD(0.1), {"": 0.1, "head/": 1.0})
        >>> optimizer.factor_of("stem_conv/kernel"), optimizer.factor_of("head/bias")
        (0.1, 1.0)
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return keras.optimizers.LossScaleOptimizer(
            with_rates(optimizer.inner_optimizer, rates),
            optimizer.initial_scale,
            optimizer.dynamic_growth_steps,
        )
    if not isinstance(optimizer, keras.optimizers.Optimizer) or isinstance(
        optimizer, keras.optimizers.MultiOptimizer
    ):
        raise TypeError(
            "`optimizer` is an optimizer with one learning rate, such as "
            f"keras.optimizers.AdamW(1e-3). Received: {optimizer!r}"
        )
    kind: Any = public_class(optimizer)
    if not issubclass(kind, _Rated):
        kind = rated(kind)
    new = kind.from_config(optimizer.get_config() | {"rates": dict(rates)})
    copy_decay_exclusions(optimizer, new)
    return new


class _Rated(RatePerWeight):
    """Adds `rates` to an optimizer; see `with_rates`."""

    def __init__(self, *args: Any, rates: Mapping[str, float], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wrong = {k: r for k, r in rates.items() if not 0 < r < math.inf}
        if wrong:
            raise ValueError(f"Factors of `rates` must be positive. Received: {wrong}")
        # Pairs, because Keras tracks and wraps a dictionary on TensorFlow.
        self._rates = tuple(rates.items())

    def factor_of(self, path: str) -> float:
        """Return the factor on the learning rate of the weight with that path."""
        fitting = [(len(k), rate) for k, rate in self._rates if path.startswith(k)]
        return max(fitting)[1] if fitting else 1.0

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        return config | {"rates": dict(self._rates)}


@functools.cache
def rated(kind: Any) -> Any:
    """Return the subclass of an optimizer that has `rates`, which Keras can save."""
    known = keras.saving.get_registered_name(kind).replace(">", "_")
    # On PyTorch, Keras's class of its own changes Nadam's state at every call.
    base = kind if kind is keras.optimizers.Nadam else own_class(kind)
    doc = f"`{kind.__name__}` with `rates`; see `keras_cnnzoo.training.with_rates`."
    made = type(
        f"Rated{kind.__name__}",
        (_Rated, base),
        {"__doc__": doc, "__module__": __name__},
    )
    register = keras.saving.register_keras_serializable
    return register("keras_cnnzoo", f"Rated_{known}")(made)


# Those of Keras are known to it when a saved model is loaded.
for _name in (
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb"),
    *("Lion", "Muon", "Nadam", "RMSprop", "SGD"),
):
    rated(getattr(keras.optimizers, _name))
