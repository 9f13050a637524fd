"""Reduce a syntax tree to the code that can change the computed numbers."""

import ast
from typing import Any

#: Methods that save, restore or describe a layer. A forward pass does not call them.
DESCRIPTIONS = {
    "get_config",
    "from_config",
    "get_build_config",
    "build_from_config",
    "compute_output_spec",
    "__repr__",
}
#: Decorators that return the decorated object unchanged.
TRANSPARENT = {"register_layer", "overload", "override", "final"}


def plain(tree: ast.AST) -> Any:
    """Remove docstrings, annotations, typing-only code, assertions and error messages.

    The tree is changed in place. It has no comments in the first place.
    """
    return _Plain().visit(tree)


def dump(node: Any) -> str:
    """Convert a tree to text that is the same in every version of Python."""
    if isinstance(node, list):
        return f"[{','.join(map(dump, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    # Newer versions have additional fields, which are empty for older syntax.
    fields = (
        f"{name}={dump(value)}"
        for name, value in ast.iter_fields(node)
        if name not in ("ctx", "kind", "type_comment") and value not in (None, [])
    )
    return f"{type(node).__name__}({','.join(fields)})"


class _Plain(ast.NodeTransformer):
    """Removes code that cannot change the computed numbers, from the inside out."""

    def generic_visit(self, node: Any) -> Any:
        super().generic_visit(node)
        if getattr(node, "body", None) == [] and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        names = set(map(_name, node.decorator_list))
        if "overload" in names:
            return None
        node.returns = None
        for arg in ast.walk(node.args):
            if isinstance(arg, ast.arg):
                arg.annotation = None
        return self._definition(node)

    def _definition(self, node: Any) -> Any:
        node.decorator_list = [
            d for d in node.decorator_list if _name(d) not in TRANSPARENT
        ]
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        node.body = [
            _field(part) if isinstance(part, ast.AnnAssign) else part
            for part in node.body
            if getattr(part, "name", None) not in DESCRIPTIONS
        ]
        return self._definition(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return None
        assigned = ast.Assign([node.target], node.value)
        return self.generic_visit(ast.copy_location(assigned, node))

    def visit_Expr(self, node: ast.Expr) -> Any:
        if isinstance(node.value, ast.Constant):
            return None
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> Any:
        if _name(node.test) == "TYPE_CHECKING":
            return [self.visit(child) for child in node.orelse]
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> Any:
        node.cause = None
        if isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
        return node

    def visit_Assert(self, node: ast.Assert) -> None:
        return None

    def visit_Pass(self, node: ast.Pass) -> None:
        return None

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        if _name(node.func) == "cast" and len(node.args) == 2:
            return node.args[1]
        return node


def _field(node: ast.AnnAssign) -> ast.stmt:
    """Keep the name and position of a dataclass field, which matter, not its type."""
    if node.value is not None:
        return node
    return ast.Expr(ast.List([ast.Constant(ast.unparse(node.target))], ast.Load()))


def _name(node: ast.AST) -> str:
    """Return the last part of a name that is used or called; "" for other nodes."""
    node = node.func if isinstance(node, ast.Call) else node
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
