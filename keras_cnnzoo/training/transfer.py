"""Ways to train a model that has learnt from other data, by name."""

import difflib
import functools
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras

from keras_cnnzoo.training.choosing import choose_recipe
from keras_cnnzoo.training.fine_tuning import LAYER_DECAY, fine_tune
from keras_cnnzoo.training.probing import linear_probe
from keras_cnnzoo.training.recipe import Recipe

#: What each way trains, and how.
TRANSFERS: Mapping[str, Callable[..., keras.callbacks.History]] = {
    "probe": linear_probe,
    "finetune": fine_tune,
    "gradual": functools.partial(fine_tune, gradual=True),
}
#: The sections of a recipe that change images, which a probe sees once.
CHANGES = ("augment", "erase", "mix")
#: What else does nothing to a head alone.
OF_THE_BODY: Mapping[str, Any] = {
    "recalibrate": 0,
    "images.train_size": None,
    "optimizer.layer_decay": None,
}
#: A head alone bears this many times the learning rate of a network.
PROBE_RATE = 3


def transfer_by(name: str) -> Callable[..., keras.callbacks.History]:
    """Return the function that trains a compiled, pretrained model in this way.

    It takes `(model, train, validation, *, epochs, callbacks, verbose)` and returns the
    history, as `fit` does.

    Args:
        name: "probe", "finetune" or "gradual": see `linear_probe` and `fine_tune`.

    Raises:
        ValueError: There is no such way.
    """
    if name not in TRANSFERS:
        near = difflib.get_close_matches(name, TRANSFERS, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"`transfer` is {', '.join(map(repr, TRANSFERS))} or None. Received: "
            f"{name!r}.{hint}"
        )
    return TRANSFERS[name]


def check_transfer(
    name: str | None, *, weights: Any, freeze: bool | str, settings: Iterable[str]
) -> None:
    """Check that a way of transfer fits the other arguments of `train`.

    Args:
        name: The way, or None.
        weights: The start weights.
        freeze: What is frozen.
        settings: The dotted names of settings that are changed.

    Raises:
        ValueError: There is no such way, or it does not fit.
    """
    if name is None:
        return
    transfer_by(name)
    if freeze is not False:
        raise ValueError(
            f"transfer={name!r} says what trains, and `freeze` too. Give one of them."
        )
    if weights is None:
        raise ValueError(
            f"transfer={name!r} goes on from learnt weights, and there are none. Give "
            "weights='default' or other weights, or leave `transfer` out."
        )
    changes = [key for key in settings if key.partition(".")[0] in CHANGES]
    if name == "probe" and changes:
        raise ValueError(
            f"`{changes[0]}` changes images anew in each epoch, and transfer='probe' "
            "computes their features once. Leave it out, or freeze in place of the "
            "probe."
        )
    idle = [key for key in settings if key in OF_THE_BODY]
    if name == "probe" and idle:
        raise ValueError(
            f"`{idle[0]}` does nothing with transfer='probe', which trains the head "
            "alone on features of one size. Leave it out."
        )


def found_for(
    recipe: Recipe | str | os.PathLike[str] | None,
    transfer: str | None,
    model: str,
    data: Any,
    *,
    photographs: bool,
) -> Recipe:
    """Return the recipe of a training, which a way of transfer may decide.

    Recipes of single models are for a random start, so that another way takes the
    recipe of the data.

    Args:
        recipe: A recipe, its name or its file. None chooses by model and data.
        transfer: The way, or None.
        model: Name of the model.
        data: The data, as for `keras_cnnzoo.data.load`.
        photographs: Whether the data are photographs.
    """
    of = model if transfer is None else "*"
    chosen = choose_recipe(of, data, recipe, photographs=photographs)
    if recipe is not None or transfer != "probe":
        return chosen
    rate = PROBE_RATE * chosen.optimizer.learning_rate
    return chosen.replace({"optimizer.learning_rate": rate})


def suited(recipe: Recipe, transfer: str | None) -> Recipe:
    """Return a recipe with what a way of transfer needs, and nothing else.

    A probe sees the images once. The others train early stages at lower rates.
    """
    if transfer == "probe":
        return recipe.replace({**dict.fromkeys(CHANGES), **OF_THE_BODY})
    if transfer is not None and recipe.optimizer.layer_decay is None:
        return recipe.replace({"optimizer.layer_decay": LAYER_DECAY})
    return recipe
