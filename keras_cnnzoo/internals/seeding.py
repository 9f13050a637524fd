"""Seed all random numbers without starting a backend that is not in use.

`keras.utils.set_random_seed` also seeds TensorFlow, and imports it on JAX and PyTorch
for that: several seconds at the start of a training.
"""

import keras

from keras_cnnzoo.internals.saving import without_tensorflow


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy, Keras and the backend, as `keras.utils.set_random_seed`.

    TensorFlow is left alone where it is not imported.
    """
    with without_tensorflow():
        keras.utils.set_random_seed(seed)
