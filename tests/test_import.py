"""What `import keras_cnnzoo` costs, and what it leaves alone."""

import os
import subprocess
import sys

import keras
import pytest

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


def _run(code):
    backend = keras.backend.backend()
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(result.stdout.split())


def test_imports_no_backend_but_the_chosen_one():
    loaded = _run(LOADED)
    others = {"tensorflow", "jax", "torch"} - {keras.backend.backend()}
    assert not loaded & (others | {"tensorflow_datasets", "matplotlib", "rich"})
    assert "keras_cnnzoo" in loaded


@pytest.mark.once
def test_only_the_layers_are_imported_at_once():
    rooms = {name.split(".")[1] for name in _run(EAGER) if "." in name}
    assert rooms == {"layers"}
