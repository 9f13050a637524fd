"""Write a recipe as the text of a TOML file."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from keras_cnnzoo.training.recipe import ABOUT, Recipe


def recipe_toml(recipe: Recipe) -> str:
    """Return a recipe as the text of a TOML file, for `load_recipe`.

    Settings that are None, and what describes the recipe but its source, are left out.

    Raises:
        TypeError: An option of the model is no number, text, list or mapping.

    Example:
        >>> recipe_toml(Recipe(epochs=3, batch_size=8)).splitlines()[:2]
        ['epochs = 3', 'batch_size = 8']
    """
    plain = {key: v for key, v in recipe.to_dict().items() if key not in ABOUT}
    if recipe.steps is not None:
        del plain["epochs"]
    if recipe.source:
        plain = {"source": recipe.source, **plain}
    return "\n".join(_lines(plain, ())) + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    sections = {
        key: value for key, value in table.items() if isinstance(value, Mapping)
    }
    if path and len(sections) < len(table):
        yield f"\n[{'.'.join(path)}]"
    for key, value in table.items():
        if key not in sections and value is not None:
            # For numbers, texts and lists of them, JSON is TOML.
            text = json.dumps(value, allow_nan=False, ensure_ascii=False)
            yield f"{key} = {text}"
    for key, value in sections.items():
        yield from _lines(value, (*path, key))
