"""Choose the recipe of a training, and change it as its user asks."""

import os
from collections.abc import Mapping
from typing import Any

from keras_cnnzoo import registry
from keras_cnnzoo.training.recipe import ABOUT, Recipe
from keras_cnnzoo.training.recipes import dataset_name, find_recipe, load_recipe
from keras_cnnzoo.training.typed import dotted_names, near_names

#: Options of `build` that the data or `train` determine, so that nobody can set them.
DECIDED = ("input_shape", "classes", "features", "pooling", "classifier_activation")


def choose_recipe(
    model: str,
    data: Any,
    recipe: Recipe | str | os.PathLike[str] | None,
    *,
    photographs: bool,
) -> Recipe:
    """Return the recipe of a training.

    Args:
        model: Name of the model.
        data: The data, as for `keras_cnnzoo.data.load`.
        recipe: A recipe, its name or its file. None chooses by model and data.
        photographs: Whether the data are photographs.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if recipe is not None:
        return load_recipe(recipe)
    return find_recipe(model, dataset_name(data), photographs=photographs)


def as_changes(model: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of a recipe or a model as changes for `Recipe.replace`.

    Args:
        model: Name of the model.
        settings: Values by dotted name. A name without a dot may be an option of the
            model.

    Raises:
        TypeError: An option of the model is decided by the data.
        ValueError: A name is unknown; the message has similar ones. Or it is both an
            option of the model and a setting of the recipe.
    """
    options = set(registry.card(model).config)
    known = [name for name in dotted_names(Recipe) if name not in ABOUT]
    changes = {}
    for key, value in settings.items():
        is_option, is_setting = key in options, key.partition(".")[0] in known
        if key.removeprefix("model.") in DECIDED:
            raise TypeError(f"`{key}` is decided by the data, and cannot be set.")
        if is_option and is_setting:
            raise ValueError(
                f"`{key}` is an option of {model!r} and a setting of the recipe. Write "
                f"`model.{key}` for the model's, and put the other one into a file."
            )
        if not is_option and not is_setting:
            near = near_names(key, [*sorted(options), *known])
            hint = f"Did you mean {' or '.join(f'`{each}`' for each in near)}?"
            others = f"Options: {', '.join(sorted(options)) or 'none'}."
            raise ValueError(
                f"{model!r} has no option {key!r}, and a recipe no such setting. "
                f"{hint if near else others}"
            )
        changes[f"model.{key}" if is_option else key] = value
    return changes
