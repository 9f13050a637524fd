"""The worked examples of CONTRIBUTING.md do what the page says."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Blocks that say what becomes of them: `title` is a file, `line` goes among the
#: imports of one, `row` into the table of one, and `run` is run beside a plugin.
BLOCK = re.compile(
    r'^```\w+ (title|line|row|run)="([^"]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE
)
BLOCKS = BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text())
#: Where a block of each kind goes: before or behind this text.
PLACES = {
    "line": ("\n\n__all__", "\n{block}{place}"),
    "row": ("ROWS = {\n", "{place}{block}"),
}
pytestmark = pytest.mark.once


def _run(command, folder, **environment):
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def checkout(tmp_path):
    """Copy the package and its tests, and follow the page."""
    for name in ("keras_cnnzoo", "tests"):
        shutil.copytree(
            ROOT / name,
            tmp_path / name,
            ignore=shutil.ignore_patterns("__pycache__", "references"),
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for kind, name, block in BLOCKS:
        path = tmp_path / name
        if kind == "title" and path.parts[len(tmp_path.parts)] == "keras_cnnzoo":
            assert not path.exists()
            path.write_text(block)
        elif kind in PLACES:
            place, form = PLACES[kind]
            text = path.read_text()
            assert text.count(place) == 1
            path.write_text(text.replace(place, form.format(block=block, place=place)))
    return tmp_path


def test_a_layer_and_a_family_pass_the_contracts(checkout):
    said = _run(
        [
            *("-m", "pytest", "-p", "no:cacheprovider"),
            *("-m", "not slow", "-k", "stridednet or GainedReLU or gained_relu"),
            "tests/models/test_contract.py",
            "tests/layers/test_contract.py",
            "tests/test_architecture.py",
            "keras_cnnzoo/layers/gained_relu.py",
        ],
        checkout,
        PYTHONPATH=str(checkout),
    )
    found = re.search(r"(\d+) passed", said)
    assert found, said
    assert int(found[1]) > 20
    rooms = ["keras_cnnzoo/layers", "keras_cnnzoo/models"]
    for check in (["check", "--fix"], ["format", "--check"]):
        _run(["-m", "ruff", *check, *rooms], checkout)


def test_the_plugin_is_installed_and_found(tmp_path):
    for kind, name, block in BLOCKS:
        if kind == "title" and name.startswith("my_nets"):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block)
    site = tmp_path / "site"
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(site)]
    _run(["-m", "pip", "install", *options, "./my_nets"], tmp_path)
    (code,) = [block for kind, _, block in BLOCKS if kind == "run"]
    said = _run(["-c", code], tmp_path, PYTHONPATH=f"{site}{os.pathsep}{ROOT}")
    assert "['my_net'] (None, 3)\nsquare" in said


def test_the_table_of_folders_is_in_the_order_of_imports():
    page = (ROOT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| `(\w+)/` \|", page, re.MULTILINE)
    folders = {
        path.parent.name for path in (ROOT / "keras_cnnzoo").glob("*/__init__.py")
    }
    assert folders <= set(rows)
    may_import = runpy.run_path(str(ROOT / "tests" / "test_architecture.py"))[
        "MAY_IMPORT"
    ]
    for i, folder in enumerate(rows):
        assert may_import.get(folder, set()) & set(rows) <= set(rows[:i]), folder
