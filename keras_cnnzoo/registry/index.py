"""Find every family of models: our own, those of plugins and registered ones."""

import difflib
import fnmatch
import functools
import importlib
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import NamedTuple

from keras_cnnzoo import models, plugins
from keras_cnnzoo.cards import Family, Weights
from keras_cnnzoo.registry.checks import fault_of
from keras_cnnzoo.registry.published import published

#: Source and licence of our families, unless they state others.
SOURCE, LICENSE = "keras_cnnzoo", "Apache-2.0"


class Entry(NamedTuple):
    """A family, the package it comes from, and its licence (None if not known)."""

    family: Family
    source: str
    license: str | None


@functools.cache
def _entries() -> dict[str, Entry]:
    """Collect every family by name: the files under `models/`, then the plugins'."""
    modules = pkgutil.iter_modules(models.__path__, f"{models.__name__}.")
    ours = [importlib.import_module(module.name).FAMILY for module in modules]
    entries = {
        family.name: Entry(family, family.source or SOURCE, family.license or LICENSE)
        for family in ours
    }
    for package, family in _plugged():
        if family.name not in entries:
            source = family.source or package
            entries[family.name] = Entry(family, source, family.license)
        elif entries[family.name].family is not family:
            _leave_out(
                package,
                f"family {family.name!r}",
                f"there is one already, of {entries[family.name].source}. Rename it.",
            )
    return entries


def _plugged() -> Iterator[tuple[str, Family]]:
    """Load the families of plugins, with their packages; skip invalid ones."""
    for point in plugins.points():
        package = plugins.package_of(point)
        try:
            loaded = point.load()
        except Exception as error:  # a broken plugin must not break the zoo
            _leave_out(package, repr(point.value), f"it cannot be imported: {error}")
            continue
        family = getattr(loaded, "FAMILY", loaded)
        if fault := fault_of(family):
            _leave_out(package, repr(point.value), f"it is no family. {fault}")
        else:
            yield package, family


def _leave_out(package: str, what: str, why: str) -> None:
    text = f"Plugin {package!r}: {what} is left out, {why}"
    warnings.warn(text, stacklevel=2)


def module_of(family: Family) -> ModuleType:
    """Return the module that defines a family.

    This is not always the module of its body, which several families may share.
    """
    modules = [m for m in sys.modules.values() if vars(m).get("FAMILY") is family]
    return modules[0] if modules else sys.modules[family.body.__module__]


@functools.cache
def _index() -> dict[str, Family]:
    """Return the family of each model; if two share a name, the first one counts."""
    index: dict[str, Family] = {}
    for family, source, _ in _entries().values():
        for name in family.variants:
            if taken := index.get(name):
                _leave_out(
                    source,
                    f"model {name!r}",
                    f"family {taken.name!r} has one of that name. Rename it.",
                )
            else:
                index[name] = family
    return index


def register(family: Family) -> Family:
    """Register a family of models, so that `build` and `list_models` know them.

    Instead, an installed package can declare its families in the entry-point group
    `keras_cnnzoo.families`. Then it does not have to be imported first.

    Args:
        family: The family. It replaces a registered family of the same name.

    Returns:
        The family, unchanged.

    Raises:
        TypeError: `family` is not a `Family`, or a field has the wrong type.
        ValueError: A variant's name belongs to another family.
    """
    if fault := fault_of(family):
        raise TypeError(fault)
    index = _index()
    for name in family.variants:
        taken = index.get(name)
        if taken is not None and taken.name != family.name:
            raise ValueError(
                f"A model named {name!r} exists already, in family {taken.name!r}. "
                f"Rename the one in family {family.name!r}."
            )
    for name in [n for n, of in index.items() if of.name == family.name]:
        del index[name]
    index |= dict.fromkeys(family.variants, family)
    package = family.body.__module__.partition(".")[0]
    entry = Entry(family, family.source or package, family.license)
    _entries()[family.name] = entry
    return family


def families() -> list[Family]:
    """List all families, our own first."""
    return [entry.family for entry in _entries().values()]


def list_models(
    pattern: str = "*",
    *,
    task: str | None = None,
    source: str | None = None,
    weights: bool | None = None,
) -> list[str]:
    """List the names that `build` takes.

    Args:
        pattern: A shell-style pattern, such as "resnet*" or "vgg1?_bn".
        task: Only models for this task, such as "classification".
        source: Only models defined by this package: "keras_cnnzoo",
            "keras.applications" or the name of a plugin's distribution.
        weights: True lists only models with published weights, False only those
            without.
    """
    return [
        name
        for name, family in _index().items()
        if fnmatch.fnmatchcase(name, pattern)
        and task in (None, family.task.name)
        and source in (None, entry_of(family).source)
        and weights in (None, bool(weights_of(name)))
    ]


def entry_of(family: Family) -> Entry:
    """Return a known family with its source and licence."""
    return _entries()[family.name]


def weights_of(name: str) -> tuple[Weights, ...]:
    """Return all published weights of a model, those its family states first."""
    return family_of(name).variants[name].weights + published().get(name, ())


def family_of(name: str) -> Family:
    """Return the family that a model belongs to.

    Raises:
        ValueError: No model has that name; the message suggests similar names.
    """
    if not isinstance(name, str):
        raise TypeError(f"A model's name is a string. Received: {name!r}")
    if name not in _index():
        near = difflib.get_close_matches(name.lower(), _index(), cutoff=0.5)
        hint = f"Did you mean {', '.join(map(repr, near))}?" if near else ""
        raise ValueError(
            f"No model is named {name!r}. {hint or 'See keras_cnnzoo.list_models().'}"
        )
    return _index()[name]
