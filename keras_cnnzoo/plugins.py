"""Packages that bring models of their own: which there are, and what they name.

A package that is installed names a `keras_cnnzoo.cards.Family`, or a module that holds
one as `FAMILY`, in the entry-point group `keras_cnnzoo.families`.
"""

import contextlib
import functools
import importlib
import importlib.metadata

ENTRY_POINTS = "keras_cnnzoo.families"


@functools.cache
def points() -> tuple[importlib.metadata.EntryPoint, ...]:
    """Return what installed packages name, without importing it."""
    return tuple(importlib.metadata.entry_points(group=ENTRY_POINTS))


def package_of(point: importlib.metadata.EntryPoint) -> str:
    """Return the name of the distribution that an entry point belongs to."""
    return point.dist.name if point.dist is not None else point.module


def import_modules() -> None:
    """Import the plugins' modules, so that the layers they define are registered.

    What cannot be imported is passed over here; the registry says so when somebody
    asks for models.
    """
    for point in points():
        with contextlib.suppress(Exception):
            importlib.import_module(point.module)
