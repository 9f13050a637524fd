"""Models are built, saved and loaded without TensorFlow, and as Keras saves them."""

import inspect
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from keras_cnnzoo import build
from keras_cnnzoo.files import save_model
from keras_cnnzoo.internals.saving import lean_saving
from keras_cnnzoo.weights.saved import load_saved

CODE = """
import sys
from keras_cnnzoo import build
from keras_cnnzoo.files import save_model
from keras_cnnzoo.weights.saved import load_saved
save_model(build("cifar_resnet20"), sys.argv[1])
load_saved(sys.argv[1])
print("tensorflow" in sys.modules)
"""


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="it is in use")
def test_tensorflow_is_not_imported(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "model.keras")],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False"]


def test_the_file_is_that_of_keras(tmp_path):
    model = build("cifar_resnet20")
    model.compile("adam", "mse")
    save_model(model, tmp_path / "ours.keras")
    model.save(tmp_path / "theirs.keras")
    ours, theirs = (
        zipfile.ZipFile(tmp_path / f"{name}.keras") for name in ("ours", "theirs")
    )
    assert ours.namelist() == theirs.namelist()
    assert ours.read("config.json") == theirs.read("config.json")
    loaded = load_saved(tmp_path / "ours.keras")
    plain = keras.saving.load_model(tmp_path / "theirs.keras")
    for own, other in zip(loaded.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)


@pytest.mark.once
def test_keras_is_as_before_also_after_an_error():
    saving = inspect.unwrap(keras.saving.save_model).__globals__["saving_lib"]
    before = saving.get_attr_skipset
    with lean_saving():
        assert saving.get_attr_skipset("Layer") == before("Layer")
        assert saving.get_attr_skipset is not before
    assert saving.get_attr_skipset is before
    with pytest.raises(RuntimeError, match="on purpose"), lean_saving():
        raise RuntimeError("on purpose")
    assert saving.get_attr_skipset is before
