"""The shape of the code base itself: who may import whom, and how long files get."""

import ast
import sys
from importlib import import_module
from pathlib import Path

import pytest

import keras_cnnzoo

BOTTOM = {"axes", "call_path", "files", "internals", "backend", "cards", "layers"}
BOTTOM |= {
    "structure",
    "deferred",
    "other_names",
    "plugins",
    "installed",
    "npy_header",
    "catalogue",
    "html_table",
    "precision",
}
LIBRARY = BOTTOM | {"blocks", "surgery", "models", "inspect", "registry"}
ROOMS = LIBRARY | {"weights", "zoo", "data", "training", "verify", "bench"}
MAY_IMPORT = {
    "axes": set(),
    "call_path": set(),
    "chatter": {"installed"},
    "deferred": set(),
    "npy_header": set(),
    "other_names": set(),
    "plugins": set(),
    "installed": set(),
    "html_table": set(),
    "precision": set(),
    "catalogue": {"files", "installed", "plugins"},
    "internals": set(),
    "backend": set(),
    "files": {"internals"},
    "csv_rows": {"files"},
    "cards": set(),
    "layers": {"axes", "call_path", "internals", "plugins"},
    "structure": {"axes", "layers"},
    "inspect": BOTTOM - {"cards", "deferred", "plugins"} | {"surgery"},
    "blocks": {"axes", "layers"},
    "surgery": {"axes", "internals", "backend", "layers", "structure", "blocks"},
    "models": {"axes", "cards", "layers", "blocks", "surgery"},
    "registry": BOTTOM
    | {"blocks", "surgery", "models", "inspect", "csv_rows", "__version__"},
    "weights": LIBRARY,
    "zoo": LIBRARY | {"weights"},
    "data": {"axes", "cards", "files", "npy_header"},
    "training": LIBRARY | {"weights", "zoo", "data", "csv_rows"},
    "verify": LIBRARY | {"weights", "zoo"},
    "bench": LIBRARY | {"weights", "zoo", "data"},
    "cli": ROOMS | {"chatter", "__version__"},
    "__init__": ROOMS | {"chatter", "cli"},
    "__main__": {"cli"},
}
#: Within `inspect`: what each wing may stand on.
WINGS = {
    "arithmetic": set(),
    "trace": set(),
    "field": {"arithmetic", "trace"},
    "cost": {"trace", "field"},
    "hooks": {"trace"},
    "attribution": {"hooks", "trace"},
    "figures": {"field", "trace"},
}
WINGS["report"] = set(WINGS)
MAX_LINES = 300
ROOT = Path(keras_cnnzoo.__file__).parent
pytestmark = pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)


def _imports(tree):
    """Yield the dotted name of everything a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_imports_point_down(path):
    here = path.relative_to(ROOT).with_suffix("").parts[0]
    for name in _imports(ast.parse(path.read_text())):
        assert not name.startswith("keras.src"), f"{name} is private to Keras"
        package, _, rest = name.partition(".")
        if package == "keras_cnnzoo":
            assert rest.split(".")[0] in MAY_IMPORT[here] | {here}, f"{here} ↛ {name}"


def test_wings_of_inspect_stand_on_lower_ones(path):
    parts = path.relative_to(ROOT).parts
    if parts[0] != "inspect" or len(parts) < 3:
        return
    wing = parts[1]
    for name in _imports(ast.parse(path.read_text())):
        if name.startswith("keras_cnnzoo.inspect."):
            lower = name.split(".")[2]
            assert lower in WINGS[wing] | {wing}, f"{wing} ↛ {name}"


def test_file_is_short_and_says_what_it_is(path):
    text = path.read_text()
    assert text.count("\n") <= MAX_LINES
    assert ast.get_docstring(ast.parse(text))


def test_no_name_hides_the_module_it_came_from(path):
    """`package.thing` is a module, or what a module gave the package, never both."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    *packages, name = parts[:-1] if parts[-1] == "__init__" else parts
    if packages and name != "__main__":
        module = import_module(".".join([*packages, name]))
        assert getattr(sys.modules[".".join(packages)], name) is module
