"""The page about what is used of Keras beyond its public interface."""

import ast
from pathlib import Path

from tables import bullets, codes, page

from keras_cnnzoo import internals

INTRODUCTION = """
Keras has no public way to do some of what this package does, such as seeing every call
of a layer inside a model. Code that uses more of Keras than its public interface is in
`keras_cnnzoo/internals/`. Each part is described here from its source. When a new
version of Keras changes one of these names, this is where to look.
""".strip()


def internals_page() -> str:
    """Describe every module of the folder by its docstring and the names it uses."""
    folder = Path(internals.__path__[0])
    parts = []
    for path in sorted(folder.glob("[!_]*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        uses, replaces = sorted(_private(tree)), sorted(_replaced(tree))
        lines = [f"It uses {codes(uses)}."] if uses else []
        lines += [f"It replaces {codes(replaces)} for a time."] if replaces else []
        parts += [f"## {path.stem}", ast.get_docstring(tree) or "", bullets(lines)]
    return page("What we use inside Keras", INTRODUCTION, *parts)


def _private(tree: ast.Module) -> set[str]:
    """Find names of attributes with one leading underscore, which Keras may change."""
    own = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    # Names that are asked for as text: getattr(model, "_nodes_by_depth", None).
    named |= {
        node.args[1].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("getattr", "setattr", "hasattr")
        and isinstance(node.args[1], ast.Constant)
    }
    return {n for n in named - own if n.startswith("_") and not n.startswith("__")}


def _replaced(tree: ast.Module) -> set[str]:
    """Find what is assigned to attributes of Keras itself."""
    targets = (
        ast.unparse(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
    )
    return {target for target in targets if target.startswith("keras.")}
