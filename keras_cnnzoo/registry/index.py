"""Find every family of models: ours, the plugins', and those registered by hand."""

import difflib
import fnmatch
import functools
import importlib
import importlib.metadata
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType

from keras_cnnzoo import models
from keras_cnnzoo.cards import Family, Weights
from keras_cnnzoo.registry.published import published

#: Other packages name a `Family`, or a module holding `FAMILY`, in this group.
ENTRY_POINTS = "keras_cnnzoo.families"


@functools.cache
def _families() -> dict[str, Family]:
    """Collect every family: the files under `models/`, then the entry points."""
    modules = pkgutil.iter_modules(models.__path__, f"{models.__name__}.")
    found = [importlib.import_module(module.name).FAMILY for module in modules]
    return {family.name: family for family in [*found, *_plugins()]}


def _plugins() -> Iterator[Family]:
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            loaded = point.load()
        except Exception as error:  # one broken plugin must not take the zoo along
            warnings.warn(
                f"The models of plugin {point.value!r} are left out, it cannot be "
                f"imported: {error}",
                stacklevel=2,
            )
            continue
        yield getattr(loaded, "FAMILY", loaded)


def module_of(family: Family) -> ModuleType:
    """Return the module that defines a family; several may share its body."""
    modules = [m for m in sys.modules.values() if vars(m).get("FAMILY") is family]
    return modules[0] if modules else sys.modules[family.body.__module__]


@functools.cache
def _index() -> dict[str, Family]:
    index: dict[str, Family] = {}
    for family in _families().values():
        _enter(index, family)
    return index


def _enter(index: dict[str, Family], family: Family) -> None:
    for name in family.variants:
        taken = index.get(name)
        if taken is not None and taken.name != family.name:
            raise ValueError(
                f"A model named {name!r} exists already, in family {taken.name!r}. "
                f"Rename the one in family {family.name!r}."
            )
    index |= dict.fromkeys(family.variants, family)


def register(family: Family) -> Family:
    """Enter a family of models, so that `build` and `list_models` know them.

    Packages that are installed can name theirs in the entry-point group
    `keras_cnnzoo.families` instead, and need not be imported first.

    Args:
        family: The family. Registering one of the same name again replaces it.

    Returns:
        The family, unchanged.

    Raises:
        TypeError: `family` is not a `Family`.
        ValueError: A variant's name belongs to another family.
    """
    if not isinstance(family, Family):
        raise TypeError(f"Expected a keras_cnnzoo.cards.Family. Received: {family!r}")
    index = _index()
    _enter(index, family)
    for name in [n for n, of in index.items() if of.name == family.name]:
        if name not in family.variants:
            del index[name]
    _families()[family.name] = family
    return family


def families() -> list[Family]:
    """List every family that is known, ours first."""
    return list(_families().values())


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
            "keras.applications" or the name of a plugin.
        weights: True for models with published weights, False for those without.
    """
    return [
        name
        for name, family in _index().items()
        if fnmatch.fnmatchcase(name, pattern)
        and task in (None, family.task.name)
        and source in (None, family.source)
        and weights in (None, bool(weights_of(name)))
    ]


def weights_of(name: str) -> tuple[Weights, ...]:
    """Return every published set of weights, those of the family's own file first."""
    return family_of(name).variants[name].weights + published().get(name, ())


def family_of(name: str) -> Family:
    """Return the family that a model belongs to.

    Raises:
        ValueError: No model has that name; the message offers the nearest.
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
