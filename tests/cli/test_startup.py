"""The command answers at once where it can, and its backend starts quietly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import keras_cnnzoo

ROOT = Path(keras_cnnzoo.__file__).parents[1]

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


def test_the_backend_is_quiet(script):
    done = script("list", "lenet5")
    assert done.stdout.splitlines()[0] == "lenet5"
    assert done.stderr == ""
