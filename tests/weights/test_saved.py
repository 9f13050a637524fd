"""Whole models are loaded from files that account for them, and from no others."""

import json
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest

from keras_cnnzoo import build
from keras_cnnzoo.cli.main import main
from keras_cnnzoo.training import Run
from keras_cnnzoo.weights.saved import load_saved

MEGABYTE = 1 << 20
#: Megabytes that refusing a file may take.
ALLOWED = 100
LOAD = """
import resource, sys
from keras_cnnzoo.weights.saved import load_saved

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

sound, *bombs = sys.argv[1:]
load_saved(sound)
for bomb in bombs:
    start = peak()
    try:
        load_saved(bomb)
        said = "nothing"
    except ValueError as error:
        said = str(error)
    print(bomb, peak() - start, said.replace("\\n", " "), sep="|")
"""


def _changed(path, old, change):
    """Write a `.keras` file again, with another description of the model."""
    with zipfile.ZipFile(old) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = change(members["config.json"])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _larger(key, value):
    """Set a key wherever it stands in a description."""

    def change(text):
        def at(item):
            if isinstance(item, list):
                return [at(x) for x in item]
            if isinstance(item, dict):
                return {k: value if k == key else at(x) for k, x in item.items()}
            return item

        return json.dumps(at(json.loads(text))).encode()

    return change


@pytest.fixture
def dense():
    inputs = keras.Input((1000,))
    inner = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(1)])
    return keras.Model(inputs, inner(inputs))


@pytest.mark.once
@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted as Linux does")
def test_a_file_that_describes_more_than_it_holds_is_refused(tmp_path, dense):
    sound, words = tmp_path / "sound.keras", tmp_path / "words.keras"
    dense.save(sound)
    inputs = keras.Input((4,), dtype="int32")
    keras.Model(inputs, keras.layers.Embedding(9, 8)(inputs)).save(words)
    bombs = {
        "units": (sound, _larger("units", 50_000)),
        "words": (words, _larger("input_dim", 5_000_000)),
        "long": (sound, lambda text: text + b" " * 160 * MEGABYTE),
    }
    for name, (old, change) in bombs.items():
        _changed(tmp_path / f"{name}.bomb.keras", old, change)
    files = sorted(tmp_path.glob("*.bomb.keras"))
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(sound), *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split("|") for line in done.stdout.splitlines() if "|" in line]
    assert len(lines) == len(bombs)
    for bomb, grown, said in lines:
        assert "config.json" in said, (bomb, said)
        assert int(grown) <= ALLOWED, (bomb, grown, said)


def _quantised():
    model = build("lenet5")
    model.quantize("int8")
    return model


def _half():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("bfloat16")
    try:
        return build("lenet5")
    finally:
        keras.config.set_dtype_policy(before)


def _recurrent():
    layers = [keras.Input((5, 3)), keras.layers.GRU(4), keras.layers.Dropout(0.5)]
    return keras.Sequential(layers)


@pytest.mark.parametrize(
    "make",
    [
        lambda: build("lenet5"),
        _quantised,
        _recurrent,
        lambda: keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()]),
        _half,
    ],
)
def test_what_was_saved_honestly_is_loaded(tmp_path, make):
    model = make()
    model.save(tmp_path / "model.keras")
    packed = tmp_path / "packed.keras"
    _changed(packed, tmp_path / "model.keras", lambda text: text)
    for path in (tmp_path / "model.keras", packed):
        for ours, saved in zip(load_saved(path).weights, model.weights, strict=True):
            ours, saved = (keras.ops.convert_to_numpy(x) for x in (ours, saved))
            np.testing.assert_array_equal(ours, saved)


@pytest.mark.once
def test_a_file_whose_layers_have_no_names_is_loaded(tmp_path, dense):
    """Keras wrote such files before version 3.6."""
    dense.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    weights = tmp_path / "model.weights.h5"
    weights.write_bytes(members["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        file.visititems(lambda place, item: item.attrs.pop("name", None) and None)
    with zipfile.ZipFile(tmp_path / "old.keras", "w") as archive:
        for name, content in members.items():
            old = weights.read_bytes() if name == weights.name else content
            archive.writestr(name, old)
    load_saved(tmp_path / "old.keras")


@pytest.fixture
def damaged(tmp_path):
    """Write a `.keras` file and change its bytes."""

    def write(change):
        path = tmp_path / "model.keras"
        keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()]).save(path)
        path.write_bytes(change(path.read_bytes()))
        return path

    return write


@pytest.mark.once
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda content: content[: len(content) // 2], "cut short"),
        (lambda content: b"{}" + content[:-9], "does not begin"),
        (lambda content: b"", "it is empty"),
        (lambda content: b"<!DOCTYPE html><html>", "web page"),
        (lambda content: b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
    ],
)
def test_the_commands_say_what_is_wrong_with_a_file(
    damaged, tmp_path, capsys, change, says
):
    path = damaged(change)
    (tmp_path / "a.png").write_bytes(b"")
    for line in (["profile", path], ["predict", path, tmp_path / "a.png"]):
        assert main(list(map(str, line))) == 2
        error = capsys.readouterr().err
        assert says in error
        assert "model.keras" in error
        assert error.count("\n") == 1


@pytest.mark.once
def test_a_run_says_what_is_wrong_with_its_file(damaged, tmp_path):
    damaged(lambda content: content[: len(content) // 2])
    with pytest.raises(ValueError, match="cut short"):
        _ = Run(tmp_path, {}).model
    (tmp_path / "model.keras").unlink()
    with pytest.raises(ValueError, match="no epoch was finished"):
        _ = Run(tmp_path, {}).model


@pytest.mark.once
def test_nothing_of_keras_stays_replaced(tmp_path, dense):
    path = tmp_path / "model.keras"
    dense.save(path)
    plain = keras.layers.Layer.add_weight
    load_saved(path)
    assert keras.layers.Layer.add_weight is plain
