"""Files of Keras 2, and those that only pretend to be some."""

import re

import h5py
import numpy as np
import pytest

from keras_cnnzoo.weights.files import read


@pytest.fixture
def path(tmp_path):
    return tmp_path / "legacy.h5"


def _layer(file, name, **arrays):
    group = file.create_group(name)
    group.attrs["weight_names"] = [n.encode() for n in arrays]
    for variable, array in arrays.items():
        group[variable] = array
    return group


def test_layers_and_nested_layers_are_named(path):
    kernel, other = np.ones((3, 3, 1, 2), "float32"), np.zeros((1, 1, 2, 2), "float32")
    with h5py.File(path, "w") as file:
        _layer(file, "block1/conv", **{"block1/conv_3/kernel:0": kernel})
        _layer(
            file,
            "backbone",
            **{
                "conv1/kernel:0": kernel,
                "conv2/kernel:0": other,
                "conv2/bias:0": [1.0],
            },
        )
    found = read(path)
    assert sorted(found) == [
        "backbone/bias",
        "backbone/conv1/kernel",
        "backbone/conv2/kernel",
        "block1/conv/kernel",
    ]
    np.testing.assert_array_equal(found["backbone/conv2/kernel"], other)


def test_a_whole_model_leaves_its_optimizer_aside(path):
    with h5py.File(path, "w") as file:
        _layer(file, "model_weights/dense", **{"dense/kernel:0": np.ones((2, 3))})
        _layer(file, "optimizer_weights/adam", **{"m:0": np.ones(3)})
    assert list(read(path)) == ["dense/kernel"]


def _huge(file):
    group = _layer(file, "dense")
    group.create_dataset("kernel:0", (30_000, 30_000), "f4", chunks=(100, 100))


def _many(file):
    group = _layer(file, "dense")
    shape = (1000, 10)
    group.create_dataset("a:0", shape, "f4", compression="gzip", data=np.ones(shape))


def _elsewhere(file):
    group = _layer(file, "dense", **{"bias:0": np.ones(1000)})
    group.create_dataset("kernel:0", (2,), "f4", external=[("/etc/hostname", 0, 8)])


def _keras_3(file):
    file["layers/dense/vars/0"] = np.ones((2, 3))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_huge, "declares 3,600,000,000 bytes"),
        (_many, "declares 40,000 bytes"),
        (_elsewhere, "kernel:0 lies in another file"),
        (_keras_3, "end in .weights.h5"),
    ],
)
def test_what_a_file_does_not_hold_is_not_read(path, make, said):
    with h5py.File(path, "w") as file:
        make(file)
    with pytest.raises(ValueError, match=re.escape(said)):
        read(path)


def test_links_out_of_a_file_are_not_followed(path, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        _layer(file, "dense", **{"kernel:0": np.ones(3)})
    with h5py.File(path, "w") as file:
        _layer(file, "conv", **{"kernel:0": np.ones(3)})
        file["dense"] = h5py.ExternalLink("secret.h5", "/dense")
    assert list(read(path)) == ["conv/kernel"]
