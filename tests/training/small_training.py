"""A training of seconds, with all that is random, and ways to kill it."""

import keras
import numpy as np
from rich.console import Console

from keras_cnnzoo import data
from keras_cnnzoo.training import train

#: Drop-path and normalisation, whose random states and statistics are part of what
#: goes on when a training is resumed.
MODEL = {
    "name": "cifar_resnet20",
    "blocks": 1,
    "width": 4,
    "drop_path": 0.3,
    "image_size": 16,
}


def few_digits():
    """Return 200 training images and 60 test images of digits."""
    images, labels = data.load("digits", validation=0).train.arrays()
    return {
        "train": (images[:200], labels[:200]),
        "test": (images[200:260], labels[200:260]),
    }


def train_small(images, **kwargs):
    """Train the model, quietly, with a fixed seed."""
    given = {"console": Console(quiet=True), "seed": 5, **MODEL}
    return train(data=images, **given | kwargs)


class Killed(BaseException):
    """Ends a training as nothing that it catches."""


class KillAt(keras.callbacks.Callback):
    """Kills a training before a step of an epoch, or else in its validation.

    On TensorFlow a call runs all steps of these short epochs.
    """

    def __init__(self, epoch, step=None):
        super().__init__()
        self.at = (epoch, step)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        epoch, step = self.at
        if self.epoch == epoch and step is not None and batch >= step:
            raise Killed

    def on_test_begin(self, logs=None):
        if self.epoch == self.at[0]:
            raise Killed


def assert_same_weights(model, other):
    """Assert that two models are equal to the last bit."""
    for one, two in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(
            *map(keras.ops.convert_to_numpy, (one, two)), err_msg=one.path
        )
