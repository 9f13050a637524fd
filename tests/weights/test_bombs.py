"""Small files that declare much are refused before they take memory."""

import json
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest

from keras_cnnzoo import build
from keras_cnnzoo.weights import read

MEGABYTE = 1 << 20
#: What a bomb of these tests would take, and what refusing it may.
LARGE, ALLOWED = 160 * MEGABYTE, 100
LOAD = """
import resource, sys, keras_cnnzoo
from keras_cnnzoo import build, weights

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

sound, *bombs = sys.argv[1:]
model = build("cifar_resnet20")
weights.load(model, sound)
before = {v.path: keras_cnnzoo.weights.loading.np.array(v) for v in model.weights}
for bomb in bombs:
    start = peak()
    if bomb.endswith("keras_2.h5"):
        run = lambda: build("keras_mobilenet", input_shape=(32, 32, 3), alpha=0.25,
                            classes=0, weights=bomb)
    else:
        run = lambda: weights.load(model, bomb)
    try:
        run()
        said = "nothing"
    except ValueError as error:
        said = str(error)
    print(bomb, peak() - start, said.replace("\\n", " "), sep="|")
for v in model.weights:
    assert (before[v.path] == keras_cnnzoo.weights.loading.np.array(v)).all()
"""


def _unallocated(path, name):
    """Declare a large array, of which nothing is stored."""
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.attrs["name"] = name
        group.create_dataset("0", (20_000, 20_000), "f4", chunks=(100, 100))


def _packed(path, name):
    """Store zeros, so well packed that they take no room."""
    zeros = np.zeros((10, LARGE // 40), "f4")
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.attrs["name"] = name
        group.create_dataset("0", data=zeros, compression="gzip", compression_opts=1)


def _one_piece(path):
    """Declare a small array, stored in one huge piece."""
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.attrs["name"] = "head"
        data = group.create_dataset(
            *("0", (64, 10), "f4"),
            chunks=(64, LARGE // 256),
            maxshape=(64, None),
            compression="gzip",
        )
        data[0, 0] = 1


def _keras_2(path):
    with h5py.File(path, "w") as file:
        group = file.create_group("conv")
        group.attrs["weight_names"] = [b"conv/kernel:0"]
        file.attrs["layer_names"] = [b"conv"]
        group.create_dataset("conv/kernel:0", (20_000, 20_000), "f4", chunks=(100, 100))


def _architecture(path, tmp_path):
    """Say that the model has a large layer, and store hardly anything."""
    small = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(1)])
    small.save(tmp_path / "small.keras")
    with zipfile.ZipFile(tmp_path / "small.keras") as old:
        members = {name: old.read(name) for name in old.namelist()}
    config = json.loads(members["config.json"])
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "Dense":
            layer["config"]["units"] = LARGE // 4000
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)


def _repacked(path, stored):
    """Pack an archive whose numbers are all zero, which its own library never does."""
    with (
        zipfile.ZipFile(stored) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    stored.unlink()


@pytest.fixture
def bombs(tmp_path):
    import torch

    def at(name):
        return tmp_path / name

    _unallocated(at("unallocated.weights.h5"), "head")
    _packed(at("packed.weights.h5"), "head")
    _one_piece(at("piece.weights.h5"))
    _keras_2(at("keras_2.h5"))
    _architecture(at("architecture.keras"), tmp_path)
    with zipfile.ZipFile(at("stored.keras"), "w") as archive:
        archive.write(at("packed.weights.h5"), "model.weights.h5")
    with zipfile.ZipFile(at("deflated.keras"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(LARGE))
    np.savez_compressed(
        at("zeros.npz"), **{"head/kernel": np.zeros(LARGE // 4, "float32")}
    )
    tensor = torch.zeros(LARGE // 4)
    torch.save({"linear.weight": tensor}, at("plain.pth"))
    _repacked(at("zeros.pth"), at("plain.pth"))
    wide = torch.zeros(1, dtype=torch.half).expand(20_000, 20_000)
    torch.save({"linear.weight": wide}, at("expanded.pth"))
    at("small.keras").unlink()
    return sorted(tmp_path.iterdir())


@pytest.mark.once
@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted as Linux does")
def test_files_that_declare_much_are_refused_before_they_take_memory(bombs, tmp_path):
    sound = tmp_path / "sound.npz"
    model = build("cifar_resnet20")
    np.savez(sound, **{v.path: keras.ops.convert_to_numpy(v) for v in model.weights})
    assert all(path.stat().st_size < 8 * MEGABYTE for path in bombs)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(sound), *map(str, bombs)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split("|") for line in done.stdout.splitlines() if "|" in line]
    assert len(lines) == len(bombs)
    for bomb, grown, said in lines:
        assert said != "nothing", bomb
        assert int(grown) <= ALLOWED, (bomb, grown, said)


@pytest.mark.once
def test_reading_a_file_as_it_is_takes_no_more_than_it_may_hold(tmp_path):
    np.savez_compressed(tmp_path / "zeros.npz", x=np.zeros(5_000_000, "float32"))
    with pytest.raises(ValueError, match="declares 20,000,000 bytes"):
        read(tmp_path / "zeros.npz")
