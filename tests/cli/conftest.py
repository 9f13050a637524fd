"""A small data set, a run trained on it, and a command's JSON."""

import json

import numpy as np
import pytest
from sklearn import datasets

from keras_cnnzoo.cli.main import main


@pytest.fixture(scope="session")
def digits():
    """Scanned digits: images `(n, 8, 8)` from 0 to 255, and their labels."""
    raw = datasets.load_digits()
    return (raw.images * 255 / 16).astype("uint8"), raw.target


@pytest.fixture(scope="module")
def npz(digits, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    images, labels = digits
    np.savez(
        path,
        x_train=images[:200],
        y_train=labels[:200],
        x_test=images[200:250],
        y_test=labels[200:250],
    )
    return path


@pytest.fixture(scope="module")
def run(npz, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    arguments = f"train mlp --data {npz} --epochs 2 --seed 3 --set hidden=[32]"
    assert main([*arguments.split(), "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def json_of(capsys):
    """A function that runs a command with `--json`, and returns what it prints."""

    def answer(*arguments):
        capsys.readouterr()
        assert main([*map(str, arguments), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return answer
