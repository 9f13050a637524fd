"""Collect all code that a function uses, directly or through other definitions."""

import ast
import dataclasses
import functools
import importlib
import inspect
import re
import symtable
import sys
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from keras_cnnzoo.verify.plain import dump, plain

PACKAGE = __name__.partition(".")[0]
#: This module registers layers for saving. It does not affect what they compute.
PLUMBING = f"{PACKAGE}.layers.registry"
#: Types of values that are described by their name.
_CALLABLES = (type, MethodType, FunctionType, BuiltinFunctionType, np.ufunc)
_PLAIN = (bool, int, float, complex, str, bytes, range, slice, type(None), type(...))


class Read(NamedTuple):
    """One function, class or lambda: its code as text, and the names that it uses."""

    text: str
    #: Names that are defined outside it.
    names: frozenset[str]
    #: Attributes of names: `power.lp_norm` is ("power", "lp_norm").
    attributes: frozenset[tuple[str, str]]
    #: Imports inside the code: module and name.
    imports: frozenset[tuple[str, str]]


class Code:
    """A growing collection of values, with the code of all functions they use.

    For functions and classes of this package, the code is collected, and that of
    everything it uses. Those of other packages are represented by their names. The
    module of a definition does not count, so code may move from file to file.
    """

    def __init__(self) -> None:
        #: The collected functions, classes and constants, as "module:name".
        self.names: set[str] = set()
        self._parts: set[str] = set()

    def add(self, label: str, value: object) -> None:
        """Add a value under a label, with everything it uses."""
        self._parts.add(f"its {label}: {self._describe(value)}")

    def text(self) -> str:
        """Return everything collected, sorted, so that the order of adding is lost."""
        return "\n".join(sorted(self._parts))

    def _describe(self, value: Any) -> str:
        """Describe a value by a text that is the same on every machine."""
        if isinstance(value, np.generic):
            return repr(value.item())
        if isinstance(value, _PLAIN):
            return repr(value)
        if isinstance(value, Mapping):
            rows = [(self._describe(k), self._describe(v)) for k, v in value.items()]
            return f"mapping {rows}"
        if isinstance(value, set | frozenset):
            return f"set {sorted(map(self._describe, value))}"
        if isinstance(value, tuple | list):
            kind = self._describe(type(value))
            return f"{kind} {[self._describe(v) for v in value]}"
        if isinstance(value, np.ndarray):
            return f"array {value.dtype} {value.tolist()}"
        if isinstance(value, re.Pattern):
            return f"pattern {value.pattern!r} {value.flags}"
        if isinstance(value, functools.partial):
            return f"partial {self._describe((value.func, value.args, value.keywords))}"
        if isinstance(value, ModuleType):
            return value.__name__.rpartition(".")[2]
        if _named(value):
            return self._definition(value)
        if dataclasses.is_dataclass(value):
            held = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
            return f"{self._describe(type(value))} {self._describe(held)}"
        # Keras objects, such as initializers, have their settings in `get_config`.
        config = value.get_config() if hasattr(value, "get_config") else None
        return f"a {self._describe(type(value))} {self._describe(config)}"

    def _definition(self, value: Any) -> str:
        """Return the name of a function or class; collect its code if it is ours."""
        value = inspect.unwrap(getattr(value, "__func__", value))
        module = _module(value)
        name = str(value.__qualname__)
        if module is None:
            return name
        cells = getattr(value, "__closure__", None) or ()
        held = f" holding {self._describe([_content(c) for c in cells])}"
        outer = name.partition(".")[0]
        if outer.startswith("<"):
            name = str(self._lambdas(module, value.__code__.co_firstlineno))
        else:
            self._follow(module, outer)
        return name + held if cells else name

    def _lambdas(self, module: ModuleType, line: int) -> list[str]:
        """Return the code of the lambdas that begin in a line."""
        nodes = [n for n in ast.walk(_tree(module)) if isinstance(n, ast.Lambda)]
        return [self._take(module, _read(n)) for n in nodes if n.lineno == line]

    def _follow(self, module: ModuleType, name: str) -> None:
        """Collect the definition of a name in one of our modules, and all it uses."""
        key = f"{module.__name__}:{name}"
        if key in self.names or module.__name__ == PLUMBING:
            return
        self.names.add(key)
        value = vars(module).get(name)
        if isinstance(value, ModuleType):
            return
        if _named(value) and _module(value) is not module:
            # Imported from another module, ours or not.
            self._parts.add(f"{name}: {self._definition(value)}")
        elif node := _definitions(module).get(name):
            self._parts.add(f"{name}: {self._take(module, _read(node))}")
        else:
            self._parts.add(f"{name}: {self._describe(value)}")

    def _take(self, module: ModuleType, read: Read) -> str:
        for name in sorted(read.names & vars(module).keys()):
            self._follow(module, name)
        for name, attribute in sorted(read.attributes):
            inner = vars(module).get(name)
            if isinstance(inner, ModuleType) and _ours(inner):
                self._follow(inner, attribute)
        for origin, name in sorted(read.imports):
            self._follow(importlib.import_module(origin), name)
        return read.text


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # the cell is still empty
        return None


def _ours(module: ModuleType) -> bool:
    return module.__name__.partition(".")[0] == PACKAGE


def _named(value: object) -> bool:
    """Tell whether a value is a function or class, possibly wrapped."""
    return isinstance(value, _CALLABLES) or hasattr(value, "__wrapped__")


def _module(value: Any) -> ModuleType | None:
    """Return the module that defines a function or class, if it is one of ours."""
    value = inspect.unwrap(value)
    module = sys.modules.get(str(getattr(value, "__module__", None)))
    return module if module is not None and _ours(module) else None


@functools.cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


@functools.cache
def _definitions(module: ModuleType) -> dict[str, ast.AST]:
    """Return a module's functions and classes by name; the last definition counts."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name: node for node in _top(_tree(module)) if isinstance(node, kinds)}


def _top(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        if isinstance(child, ast.If | ast.Try):
            yield from _top(child)


@functools.cache
def _read(node: ast.AST) -> Read:
    tree = plain(ast.parse(ast.unparse(node)))
    inside = list(ast.walk(tree))
    return Read(
        text=dump(tree),
        names=_outer_names(ast.unparse(tree)),
        attributes=frozenset(
            (n.value.id, n.attr)
            for n in inside
            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
        ),
        imports=frozenset(
            (n.module, alias.name)
            for n in inside
            if isinstance(n, ast.ImportFrom) and n.module
            for alias in n.names
            if n.module.partition(".")[0] == PACKAGE
        ),
    )


def _outer_names(source: str) -> frozenset[str]:
    """List the names that a piece of code uses but does not define."""
    outer = symtable.symtable(source, "code", "exec")
    found = {s.get_name() for s in outer.get_symbols() if s.is_referenced()}
    waiting = list(outer.get_children())
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        found |= {s.get_name() for s in table.get_symbols() if s.is_global()}
    return frozenset(found)
