"""A seed gives the same random numbers as Keras's own, and starts no other backend."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_cnnzoo.internals.seeding import seed_everything

PRINTS = """
import sys
from keras_cnnzoo.internals.seeding import seed_everything
seed_everything(3)
print(*{"tensorflow", "torch", "jax"} & {*sys.modules})
"""


def _numbers():
    layer = keras.layers.Dense(3)
    layer.build((None, 4))
    return [np.random.rand(2), *map(keras.ops.convert_to_numpy, layer.weights)]


def test_numbers_are_those_of_keras():
    seed_everything(7)
    ours = _numbers()
    keras.utils.set_random_seed(7)
    for one, other in zip(ours, _numbers(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="it is in use")
def test_tensorflow_is_not_imported():
    done = subprocess.run(
        [sys.executable, "-c", PRINTS], capture_output=True, text=True, check=True
    )
    assert "tensorflow" not in done.stdout.split()
