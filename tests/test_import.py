"""What `import keras_cnnzoo` costs, and what it leaves alone."""

import os
import subprocess
import sys

import keras
import pytest

import keras_cnnzoo

LOADED = """
import sys, keras
before = set(sys.modules)
import keras_cnnzoo
keras_cnnzoo.build("mlp")
new = sorted(name.partition(".")[0] for name in set(sys.modules) - before)
print(*set(new))
"""
EAGER = """
import sys, time, keras
before = set(sys.modules)
import keras_cnnzoo
ours = {name for name in set(sys.modules) - before if name.startswith("keras_cnnzoo")}
print(*sorted(ours))
"""
#: Programs after which the layers have to be registered, whatever came first.
REGISTERED = {
    "package first": "import keras_cnnzoo, keras",
    "Keras first": "import keras, keras_cnnzoo",
    "build": "from keras_cnnzoo import build; import keras",
    "command": "import sys; sys.argv = ['cnnzoo']; import keras_cnnzoo, keras",
}
CHECK = """
names = keras.saving.get_custom_objects()
print("registered" if "keras_cnnzoo>ResidualBlock" in names else "missing")
print("watching" if any("Watch" in repr(f) for f in sys.meta_path) else "quiet")
"""
LIGHT = """
import runpy, sys
try:
    {run}
except SystemExit:
    pass
heavy = {{"keras", "tensorflow", "jax", "torch", "numpy"}} & set(sys.modules)
print("heavy:", *sorted(heavy), file=sys.stderr)
"""


def _python(code, *arguments, check=True, **environment):
    """Run a program; an environment variable that is None is not set."""
    given = os.environ | {"KERAS_BACKEND": keras.backend.backend()} | environment
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={name: value for name, value in given.items() if value is not None},
        capture_output=True,
        text=True,
        check=check,
    )


def _run(code):
    return set(_python(code).stdout.split())


def test_imports_no_backend_but_the_chosen_one():
    loaded = _run(LOADED)
    others = {"tensorflow", "jax", "torch"} - {keras.backend.backend()}
    assert not loaded & (others | {"tensorflow_datasets", "matplotlib", "rich"})
    assert "keras_cnnzoo" in loaded


@pytest.mark.once
def test_only_the_layers_are_imported_at_once():
    rooms = {name.split(".")[1] for name in _run(EAGER) if "." in name}
    assert {"zoo", "models", "registry", "inspect", "weights"}.isdisjoint(rooms)
    assert "layers" in rooms


@pytest.mark.once
@pytest.mark.parametrize("order", REGISTERED)
def test_layers_are_registered_in_whatever_order_of_imports(order):
    assert _run(f"import sys\n{REGISTERED[order]}\n{CHECK}") == {"registered", "quiet"}


@pytest.mark.once
@pytest.mark.parametrize(
    "run",
    [
        "import keras_cnnzoo",
        "from keras_cnnzoo.cli.main import main; main(['--help'])",
        "sys.argv = ['anything', '--help']; "
        "runpy.run_module('keras_cnnzoo', run_name='__main__')",
    ],
)
def test_help_needs_no_keras_whatever_the_program_is_called(run):
    assert _python(LIGHT.format(run=run)).stderr.strip() == "heavy:"


@pytest.mark.once
def test_only_public_names_are_listed():
    assert sorted(dir(keras_cnnzoo)) == sorted(keras_cnnzoo.__all__)
    assert all(hasattr(keras_cnnzoo, name) for name in keras_cnnzoo.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = keras_cnnzoo.nothing


#: Starts the backend, as a first cell of a notebook does.
FIRST = """
from keras_cnnzoo import build
build("lenet5")(__import__("numpy").zeros((1, 32, 32, 1)))
"""


@pytest.mark.parametrize("first", ["", "import keras\n"])
def test_a_first_run_is_quiet(first):
    done = _python(f"import keras_cnnzoo\n{first}{FIRST}", TF_CPP_MIN_LOG_LEVEL=None)
    assert done.stderr == ""


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own")
def test_who_sets_the_log_level_sees_what_tensorflow_says():
    done = _python("import keras_cnnzoo, keras", TF_CPP_MIN_LOG_LEVEL="0")
    assert "TensorFlow" in done.stderr


#: A module that cannot be imported, in the place of TensorFlow.
BROKEN = """
import pathlib, sys
pathlib.Path(sys.argv[1], "tensorflow.py").write_text(
    "import os; os.write(2, b'why it failed'); raise RuntimeError"
)
sys.path.insert(0, sys.argv[1])
import keras_cnnzoo, keras
"""


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own")
def test_what_a_failed_start_said_appears(tmp_path):
    done = _python(BROKEN, str(tmp_path), check=False, TF_CPP_MIN_LOG_LEVEL=None)
    assert done.returncode == 1
    assert "why it failed" in done.stderr
