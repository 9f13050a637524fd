"""The optimizers that recipes name, and weight decay as their papers have it.

Keras subtracts the weight decay of every optimizer from the weights (decoupled decay).
In their papers and in PyTorch, that of SGD and RMSprop is a term of the gradient (L2
regularisation), so it passes through the momentum: with a momentum of 0.9, it acts ten
times as much as Keras's with the same number.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops
from keras.optimizers import SGD, AdamW, Lamb, Lion, RMSprop

from keras_cnnzoo.internals.optimizers import weight_of
from keras_cnnzoo.training.optimizers import SlowBodyAdamW, SlowBodySGD, _SlowBody
from keras_cnnzoo.training.settings import OptimizerSettings


class _L2:
    """Adds the weights, times a factor, to their gradients.

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
        name = weight_of(self, variable).name
        if self.l2 and not any(part in name for part in self.without):
            gradient = ops.cast(gradient, variable.dtype) + self.l2 * variable
        super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        return {**config, "l2": self.l2, "without": list(self.without)}


@keras.saving.register_keras_serializable("keras_cnnzoo")
class L2SGD(_L2, SGD):
    """`keras.optimizers.SGD` with L2 regularisation, as in PyTorch."""


@keras.saving.register_keras_serializable("keras_cnnzoo")
class L2RMSprop(_L2, RMSprop):
    """`keras.optimizers.RMSprop` with L2 regularisation, as in PyTorch."""


@keras.saving.register_keras_serializable("keras_cnnzoo")
class SlowBodyL2SGD(_L2, SlowBodySGD):
    """`L2SGD` with `body_rate` and `head`."""


@keras.saving.register_keras_serializable("keras_cnnzoo")
class SlowBodyRMSprop(_SlowBody, RMSprop):
    """`keras.optimizers.RMSprop` with `body_rate` and `head`."""


@keras.saving.register_keras_serializable("keras_cnnzoo")
class SlowBodyL2RMSprop(_L2, SlowBodyRMSprop):
    """`L2RMSprop` with `body_rate` and `head`."""


@keras.saving.register_keras_serializable("keras_cnnzoo")
class SlowBodyLamb(_SlowBody, Lamb):
    """`keras.optimizers.Lamb` with `body_rate` and `head`."""


@keras.saving.register_keras_serializable("keras_cnnzoo")
class SlowBodyLion(_SlowBody, Lion):
    """`keras.optimizers.Lion` with `body_rate` and `head`."""


#: For each name: the optimizer, and the one with a lower rate for the body.
OPTIMIZERS: dict[str, tuple[Any, Any]] = {
    "sgd": (SGD, SlowBodySGD),
    "adamw": (AdamW, SlowBodyAdamW),
    "lamb": (Lamb, SlowBodyLamb),
    "lion": (Lion, SlowBodyLion),
    "rmsprop": (RMSprop, SlowBodyRMSprop),
}
#: The same for those whose weight decay is a term of the gradient.
WITH_L2: dict[str, tuple[Any, Any]] = {
    "sgd": (L2SGD, SlowBodyL2SGD),
    "rmsprop": (L2RMSprop, SlowBodyL2RMSprop),
}
#: Parts of the names of biases, and of scales and offsets of normalisation layers.
BIASES_AND_NORMS = ("bias", "gamma", "beta")


def make_optimizer(
    settings: OptimizerSettings,
    learning_rate: Any,
    head: Sequence[str] | None = None,
) -> keras.optimizers.Optimizer:
    """Make the optimizer of a recipe.

    Args:
        settings: Its settings.
        learning_rate: A schedule or a number.
        head: Prefixes of the paths of the head's variables; all other variables train
            at `body_rate`. None trains all at the same learning rate.
    """
    spared = () if settings.decay_all else BIASES_AND_NORMS
    given = {name: getattr(settings, name) for name in settings.OWN[settings.name]}
    arguments = {name: value for name, value in given.items() if value is not None}
    if settings.clip_norm is not None:
        arguments["global_clipnorm"] = settings.clip_norm
    if settings.accumulate > 1:
        arguments["gradient_accumulation_steps"] = settings.accumulate
    table = OPTIMIZERS
    if settings.name in WITH_L2:
        if settings.weight_decay:
            table = WITH_L2
            arguments |= {"l2": settings.weight_decay, "without": spared}
    else:
        arguments["weight_decay"] = settings.weight_decay
    plain, slow = table[settings.name]
    if head is None:
        optimizer = plain(learning_rate, **arguments)
    else:
        rates = {"body_rate": settings.body_rate, "head": head}
        optimizer = slow(learning_rate, **arguments, **rates)
    optimizer.exclude_from_weight_decay(var_names=list(spared))
    return optimizer
