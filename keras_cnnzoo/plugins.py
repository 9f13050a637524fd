"""Plugins: installed packages that add models and recipes.

In the entry-point group `keras_cnnzoo.families`, a plugin names a
`keras_cnnzoo.cards.Family`, or a module that has one as `FAMILY`; in the group
`keras_cnnzoo.recipes`, a package that holds the TOML files of its recipes.
"""

import contextlib
import functools
import importlib
import importlib.metadata

ENTRY_POINTS = "keras_cnnzoo.families"
RECIPE_ENTRY_POINTS = "keras_cnnzoo.recipes"


@functools.cache
def points() -> tuple[importlib.metadata.EntryPoint, ...]:
    """Return the entry points of installed families, without importing them."""
    return tuple(importlib.metadata.entry_points(group=ENTRY_POINTS))


@functools.cache
def recipe_points() -> tuple[importlib.metadata.EntryPoint, ...]:
    """Return the entry points of installed recipes, without importing them."""
    return tuple(importlib.metadata.entry_points(group=RECIPE_ENTRY_POINTS))


def package_of(point: importlib.metadata.EntryPoint) -> str:
    """Return the name of the distribution of an entry point."""
    return point.dist.name if point.dist is not None else point.module


def import_modules() -> None:
    """Import the plugins' modules, so that their layers are registered.

    Import errors are ignored here; the registry reports them when models are requested.
    """
    for point in points():
        with contextlib.suppress(Exception):
            importlib.import_module(point.module)
