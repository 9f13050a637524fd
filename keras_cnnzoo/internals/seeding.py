"""Seed all random numbers without starting a backend that is not in use.

`keras.utils.set_random_seed` also seeds TensorFlow, and imports it on JAX and PyTorch
for that: several seconds at the start of a training.
"""

import sys

import keras
from keras.src.utils import module_utils


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy, Keras and the backend, as `keras.utils.set_random_seed`.

    TensorFlow is left alone where it is not imported.
    """
    lazy = module_utils.tensorflow
    in_use = keras.backend.backend() == "tensorflow" or "tensorflow" in sys.modules
    before = lazy._available
    try:
        if not in_use:
            lazy._available = False
        keras.utils.set_random_seed(seed)
    finally:
        lazy._available = before
