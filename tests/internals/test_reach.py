"""What the package reaches into Keras for stands in one room, and in the docs."""

import ast
from pathlib import Path

import pytest

import keras_cnnzoo

pytestmark = pytest.mark.once

ROOT = Path(keras_cnnzoo.__file__).parent
PAGE = ROOT.parent / "docs" / "internals.md"
TREES = {
    path.relative_to(ROOT): ast.parse(path.read_text()) for path in ROOT.rglob("*.py")
}
#: What Python itself has: tuples with names, the opener of `urllib`, an end at once.
PYTHON = {"_asdict", "_fields", "_replace", "_opener", "_exit"}


def _is_private(name):
    return name.startswith("_") and not name.startswith("__")


def _defined(tree):
    """Yield the private names that a module defines: its own, its classes', selves'."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("self."):
            # Made under a name: `self._make("_pool", ...)`.
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            yield from (text for text in texts if isinstance(text, str))


OURS = {name for tree in TREES.values() for name in _defined(tree) if _is_private(name)}


def _reached(tree):
    """Yield the private names of others that a module uses."""
    for node in ast.walk(tree):
        name = node.attr if isinstance(node, ast.Attribute) else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            named = node.func.id in ("getattr", "setattr", "hasattr", "delattr")
            if named and isinstance(node.args[1], ast.Constant):
                name = node.args[1].value
        if name and _is_private(name) and name not in OURS | PYTHON:
            yield name


def _exchanged(tree):
    """Yield what is assigned to a class of Keras, or to what class a thing is of."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or isinstance(node.ctx, ast.Load):
            continue
        holder = ast.unparse(node.value)
        if node.attr == "__class__" or holder.startswith(("keras.", "kl.")):
            yield f"{holder}.{node.attr}"


def test_what_is_private_to_keras_is_used_in_one_room_alone():
    for path, tree in TREES.items():
        if path.parts[0] != "internals":
            assert not list(_reached(tree)), path
            assert not list(_exchanged(tree)), path


def test_the_page_lists_all_of_it():
    page = PAGE.read_text()
    inside = [path for path in TREES if path.parts[0] == "internals"]
    assert len(inside) > 4
    for path in inside:
        for name in _reached(TREES[path]):
            assert f"`{name}`" in page, (path, name)
        if path.name != "__init__.py":
            assert f"`internals/{path.name}`" in page, path


def test_the_test_sees_what_it_looks_for():
    bad = """
layer._tracker.lock()
keras.Layer.call = f
x.__class__ = y
getattr(m, "_a")
"""
    tree = ast.parse(bad)
    assert set(_reached(tree)) == {"_tracker", "_a"}
    assert set(_exchanged(tree)) == {"keras.Layer.call", "x.__class__"}
