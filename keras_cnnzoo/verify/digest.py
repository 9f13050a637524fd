"""A fingerprint of all that a model is made of, to know a comparison that is stale."""

import ast
import hashlib
import importlib
import inspect
from pathlib import Path
from types import ModuleType

from keras_cnnzoo.registry import family_of, module_of

PACKAGE = __package__.partition(".")[0]
#: Rooms that say what a model computes; what lies elsewhere does not change it.
ROOMS = ("models", "blocks", "layers")


def digest(name: str, answers: Path | None = None) -> str:
    """Return the fingerprint of a model's code and of its reference's answers."""
    total = hashlib.sha256()
    for module in sorted(sources(name), key=lambda module: module.__name__):
        # As text, so that line ends do not count.
        total.update(inspect.getsource(module).encode())
    if answers is not None:
        total.update(answers.read_bytes())
    return total.hexdigest()[:16]


def sources(name: str) -> set[ModuleType]:
    """Return the modules of this package that a model's family needs."""
    found: set[ModuleType] = set()
    waiting = [module_of(family_of(name))]
    while waiting:
        module = waiting.pop()
        if module not in found and _room(module.__name__) in ROOMS:
            found.add(module)
            waiting += _imports(module)
    return found


def _room(module: str) -> str | None:
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] if package == PACKAGE else None


def _imports(module: ModuleType) -> list[ModuleType]:
    """List where the names that a module imports are defined."""
    modules = []
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and _room(node.module or ""):
            origin = importlib.import_module(str(node.module))
            for alias in node.names:
                thing = getattr(origin, alias.name)
                home = getattr(thing, "__module__", origin.__name__)
                home = thing.__name__ if inspect.ismodule(thing) else home
                inside = home if _room(home) else origin.__name__
                modules.append(importlib.import_module(inside))
    return modules
