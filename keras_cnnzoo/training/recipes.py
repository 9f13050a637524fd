"""Find recipes: those of the package, of plugins, registered ones, and files."""

import fnmatch
import functools
import importlib
import os
import re
import tomllib
import warnings
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

from keras_cnnzoo import plugins
from keras_cnnzoo.data.idx import is_idx_folder
from keras_cnnzoo.training.recipe import Recipe
from keras_cnnzoo.training.typed import close_names

#: The package's own recipes: where they are, and what `Entry.package` says of them.
HOME, PACKAGE = "recipes", "keras_cnnzoo"
#: What recipes for photographs without a recipe of their own name as their data.
PHOTOGRAPHS = "photographs"


class Entry(NamedTuple):
    """A recipe, the package it comes from, and its file's text.

    `package` is "" for a file of the user's, and for a recipe that was registered in
    Python, which has no text either.
    """

    recipe: Recipe
    package: str = ""
    text: str = ""


@functools.cache
def _entries() -> dict[str, Entry]:
    """Collect every recipe by name: our own files, then those of plugins."""
    entries: dict[str, Entry] = {}
    ours = resources.files(PACKAGE).joinpath(HOME)
    for file in _toml_files(ours):
        entry = _read(file, file.name, PACKAGE)
        entries[entry.recipe.name] = entry
    for entry in _plugged():
        name = entry.recipe.name
        if name in entries:
            why = f"there is one already, of {entries[name].package}. Rename it."
            _leave_out(entry.package, f"recipe {name!r}", why)
        else:
            entries[name] = entry
    return entries


def _plugged() -> Iterator[Entry]:
    """Read the recipes of plugins, with their packages; skip invalid ones."""
    for point in plugins.recipe_points():
        package = plugins.package_of(point)
        try:
            files = _toml_files(resources.files(importlib.import_module(point.module)))
        except Exception as error:  # a broken plugin must not break the others
            _leave_out(package, repr(point.value), f"it cannot be imported: {error}")
            continue
        for file in files:
            try:
                yield _read(file, file.name, package)
            except ValueError as error:
                _leave_out(package, file.name, f"it is no recipe. {error}")


def _leave_out(package: str, what: str, why: str) -> None:
    text = f"Plugin {package!r}: {what} is left out, {why}"
    warnings.warn(text, stacklevel=2)


def _toml_files(folder: Traversable) -> list[Traversable]:
    found = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    return sorted(found, key=lambda file: file.name)


def _read(file: Traversable, shown: str, package: str = "") -> Entry:
    """Read a recipe from a TOML file, which is called `shown` in messages."""
    try:
        text = file.read_text(encoding="utf-8")
        plain = tomllib.loads(text)
    except ValueError as error:
        raise ValueError(f"{shown} is no TOML file: {error}") from error
    try:
        if "name" in plain:
            raise ValueError("`name` is that of the file; leave it out.")
        if {"epochs", "steps"} <= plain.keys():
            raise ValueError("`epochs` and `steps` are both lengths; give one of them.")
        recipe = Recipe.from_dict(plain | {"name": Path(file.name).stem})
    except ValueError as error:
        raise ValueError(f"{shown}: {error}") from error
    return Entry(recipe, package, text)


def register_recipe(recipe: Recipe) -> Recipe:
    """Register a recipe, so that `train` finds it by name, model and data.

    Instead, an installed package can name a package of TOML files in the entry-point
    group `keras_cnnzoo.recipes`. Then nothing has to be imported first.

    Args:
        recipe: A recipe with a name. It replaces one that was registered by that name.

    Returns:
        The recipe, unchanged.

    Raises:
        ValueError: It has no name, or that of a recipe of this package or a plugin.

    Example:
        >>> mine = register_recipe(Recipe(name="mine", models=("vgg*",), data=("x",)))
        >>> find_recipe("vgg16", "x").name
        'mine'
    """
    if not recipe.name:
        raise ValueError("A recipe needs a name to be found by: Recipe(name=...).")
    taken = _entries().get(recipe.name)
    if taken is not None and taken.package:
        raise ValueError(
            f"A recipe named {recipe.name!r} exists already, of {taken.package}. "
            "Rename yours."
        )
    _entries()[recipe.name] = Entry(recipe)
    return recipe


def recipe_entries() -> tuple[Entry, ...]:
    """Return every known recipe with its package and text, our own first."""
    return tuple(_entries().values())


def list_recipes(pattern: str = "*") -> list[str]:
    """List the names of recipes, for `train(recipe=...)` and `load_recipe`.

    Args:
        pattern: A shell-style pattern, such as "cifar_*".
    """
    return [name for name in _entries() if fnmatch.fnmatchcase(name, pattern)]


def load_recipe(name_or_path: str | os.PathLike[str]) -> Recipe:
    """Return a recipe by name, or from a TOML file.

    Args:
        name_or_path: A name of `list_recipes()`, or the path of a `.toml` file.

    Raises:
        ValueError: There is no such recipe or file; or the file has an unknown field,
            or one of another type or out of range. The message names it, and those of
            similar names.

    Example:
        >>> load_recipe("lenet5_mnist").epochs
        20
    """
    return recipe_entry(name_or_path).recipe


def recipe_entry(name_or_path: str | os.PathLike[str]) -> Entry:
    """Return a recipe as `load_recipe` does, with its package and its file's text."""
    path = Path(name_or_path).expanduser()
    if path.suffix == ".toml":
        if not path.is_file():
            raise ValueError(f"There is no file {name_or_path}.")
        return _read(path, str(name_or_path))
    name = str(name_or_path)
    if name not in _entries():
        near = close_names(name, _entries())
        hint = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise ValueError(
            f"No recipe is named {name!r}. {hint}Recipes: {', '.join(_entries())}; "
            "or give the path of a .toml file."
        )
    return _entries()[name]


def find_recipe(model: str, data: str, *, photographs: bool = False) -> Recipe:
    """Return the recipe for a model and a data set.

    Of all recipes whose patterns match both, the one with the longer pattern for the
    data is taken, then the one with the longer pattern for the model.

    Args:
        model: Name of the model.
        data: Name of the data set.
        photographs: Whether a data set without a recipe of its own gets the one for
            photographs, and not the general one.
    """
    best = max(_matching(model, data), key=lambda match: match[:2])
    if photographs and best[0] == 0:
        return find_recipe(model, PHOTOGRAPHS)
    return best[2]


def _matching(model: str, data: str) -> Iterator[tuple[int, int, Recipe]]:
    """Yield how special the patterns for data and model are, and the recipe."""
    for recipe, *_ in _entries().values():
        if recipe.by_name:
            continue
        for_data, for_model = (
            [
                len(pattern.strip("*"))
                for pattern in patterns
                if fnmatch.fnmatchcase(name, pattern)
            ]
            for name, patterns in ((data, recipe.data), (model, recipe.models))
        )
        if for_data and for_model:
            yield max(for_data), max(for_model), recipe


def dataset_name(data: Any) -> str:
    """Return a data set's name for recipes and run folders, before it is loaded.

    Every folder of idx files is named "mnist", because MNIST introduced the format, and
    other data sets in it (Fashion-MNIST, KMNIST) need the same recipe.
    """
    if not isinstance(data, str | os.PathLike):
        return "arrays"
    path = Path(data).expanduser()
    if path.is_dir():
        return "mnist" if is_idx_folder(path) else path.resolve().name
    # In tensorflow-datasets, a configuration and a version may follow the name.
    return path.stem if path.is_file() else re.split("[:/]", str(data))[0]
