"""The optimizers that recipes name, and weight decay as their papers have it.

Keras subtracts the weight decay of every optimizer from the weights (decoupled decay).
In their papers and in PyTorch, that of SGD and RMSprop is a term of the gradient (L2
regularisation), so it passes through the momentum: with a momentum of 0.9, it acts ten
times as much as Keras's with the same number. That of LAMB is part of the step, whose
length the norm of the weights sets, so that it acts far less than Keras's.
"""

from collections.abc import Mapping
from typing import Any

import keras
from keras.optimizers import SGD, AdamW, Lamb, Lion, RMSprop

from keras_cnnzoo.internals.optimizers import L2, DecayInRatio, own_class
from keras_cnnzoo.training.muon import Muon
from keras_cnnzoo.training.optimizers import rated, with_rates
from keras_cnnzoo.training.settings import OptimizerSettings

_OwnSGD: Any = own_class(SGD)
_OwnRMSprop: Any = own_class(RMSprop)
_OwnLamb: Any = own_class(Lamb)


@keras.saving.register_keras_serializable("keras_cnnzoo")
class L2SGD(L2, _OwnSGD):
    """`keras.optimizers.SGD` with L2 regularisation, as in PyTorch."""


@keras.saving.register_keras_serializable("keras_cnnzoo")
class L2RMSprop(L2, _OwnRMSprop):
    """`keras.optimizers.RMSprop` with L2 regularisation, as in PyTorch."""


@keras.saving.register_keras_serializable("keras_cnnzoo")
class PaperLamb(DecayInRatio, _OwnLamb):
    """`keras.optimizers.Lamb` with the weight decay of its paper, as in timm.

    Source:
        You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76
        minutes", 2019, algorithm 2.
    """


for _kind in (L2SGD, L2RMSprop, PaperLamb, Muon):
    rated(_kind)  # so that a saved model with rates loads

OPTIMIZERS: dict[str, Any] = {
    "sgd": SGD,
    "adamw": AdamW,
    "lamb": PaperLamb,
    "lion": Lion,
    "rmsprop": RMSprop,
    "muon": Muon,
}
#: The same for those whose weight decay is a term of the gradient.
WITH_L2: dict[str, Any] = {"sgd": L2SGD, "rmsprop": L2RMSprop}
#: What Muon calls the settings of its AdamW.
MUON = {"beta_1": "adam_beta_1", "beta_2": "adam_beta_2"}
#: Parts of the names of biases, and of scales and offsets of normalisation layers.
BIASES_AND_NORMS = ("bias", "gamma", "beta")


def make_optimizer(
    settings: OptimizerSettings,
    learning_rate: Any,
    rates: Mapping[str, float] | None = None,
) -> keras.optimizers.Optimizer:
    """Make the optimizer of a recipe.

    Args:
        settings: Its settings.
        learning_rate: A schedule or a number.
        rates: Factors on the learning rate, as for `with_rates`; None trains all
            weights at the same learning rate.
    """
    spared = () if settings.decay_all else BIASES_AND_NORMS
    given = {name: getattr(settings, name) for name in settings.OWN[settings.name]}
    arguments = {name: value for name, value in given.items() if value is not None}
    if settings.clip_norm is not None:
        arguments["global_clipnorm"] = settings.clip_norm
    if settings.accumulate > 1:
        arguments["gradient_accumulation_steps"] = settings.accumulate
    table = OPTIMIZERS
    if settings.name == "lamb":
        arguments |= {"l2": settings.weight_decay, "without": spared}
    elif settings.name in WITH_L2:
        if settings.weight_decay:
            table = WITH_L2
            arguments |= {"l2": settings.weight_decay, "without": spared}
    else:
        arguments["weight_decay"] = settings.weight_decay
    if settings.name == "muon":
        arguments = {MUON.get(name, name): value for name, value in arguments.items()}
        arguments["adam_weight_decay"] = settings.weight_decay
    optimizer = table[settings.name](learning_rate, **arguments)
    if rates is not None:
        optimizer = with_rates(optimizer, rates)
    optimizer.exclude_from_weight_decay(var_names=list(spared))
    return optimizer
