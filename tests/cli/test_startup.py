"""The command answers at once where it can, and its backend starts quietly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import keras_cnnzoo
from keras_cnnzoo import installed

ROOT = Path(keras_cnnzoo.__file__).parents[1]
pytestmark = pytest.mark.once

# What pip writes as `bin/cnnzoo`, and a look at what it has imported.
SCRIPT = """
import sys
from keras_cnnzoo.cli.main import main
try:
    code = main()
except SystemExit as ended:
    code = ended.code
print("keras" in sys.modules, "tensorflow" in sys.modules)
sys.exit(code)
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "cnnzoo"
    path.write_text(SCRIPT)
    chatty = {"TF_CPP_MIN_LOG_LEVEL"}
    env = {name: value for name, value in os.environ.items() if name not in chatty}
    env["PYTHONPATH"] = str(ROOT)

    def call(*arguments):
        return subprocess.run(
            [sys.executable, str(path), *arguments],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )

    return call


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_do_not_wait_for_keras(script, flag):
    assert script(flag).stdout.splitlines()[-1] == "False False"


@pytest.mark.parametrize(
    "arguments",
    [("list", "resnet*", "--sort", "top1"), ("show", "resnet50"), ("list", "--json")],
)
def test_the_catalogue_answers_without_keras(script, arguments):
    done = script(*arguments)
    assert done.stdout.splitlines()[-1] == "False False"
    assert "resnet50" in done.stdout
    assert done.stderr == ""


def test_the_backend_is_quiet(script):
    done = script("profile", "lenet5", "--json")
    assert done.stdout.startswith("{")
    assert done.stderr == ""


#: A backend that is not installed: a package of its name that cannot be found.
MISSING = """
import importlib.util, sys
find = importlib.util.find_spec
gone = sys.argv.pop(1).split(",")
importlib.util.find_spec = lambda name, *a: None if name in gone else find(name, *a)
"""


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("tensorflow", "pip install 'tensorflow', or set KERAS_BACKEND=jax"),
        ("tensorflow,jax,torch", "pip install 'tensorflow'"),
        ("keras", "pip install keras-cnnzoo"),
    ],
)
def test_a_missing_backend_is_one_line(tmp_path, gone, says):
    path = tmp_path / "cnnzoo"
    path.write_text(MISSING + SCRIPT)
    env = os.environ | {"PYTHONPATH": str(ROOT), "KERAS_BACKEND": "tensorflow"}

    def call(*command):
        command = [sys.executable, *command]
        return subprocess.run(command, env=env, capture_output=True, text=True)

    done = call(str(path), gone, "profile", "lenet5")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
    use = f"{MISSING}\nimport keras_cnnzoo\nprint('imported')\nkeras_cnnzoo.build"
    done = call("-c", use, gone)
    assert done.stdout == "imported\n"
    assert says in done.stderr.splitlines()[-1]
    assert done.stderr.count("Traceback") == 1
    assert "keras/src" not in done.stderr


def test_the_backend_is_found_as_keras_finds_it(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert installed.backend() == "tensorflow"
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert installed.backend() == "jax"
    (tmp_path / "keras.json").write_text("no JSON")
    assert installed.backend() == "tensorflow"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert installed.backend() == "torch"
