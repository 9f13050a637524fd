"""Every backend gets the same batches, and only TensorFlow imports TensorFlow."""

import os
import subprocess
import sys

import keras

SAME = """
import hashlib, sys
from keras_cnnzoo import data
digest = hashlib.sha256()
for augment in ("digits", "cifar", "imagenet"):
    for images, labels in data.load("digits", augment=augment).train:
        digest.update(images.tobytes() + labels.tobytes())
"""
SAYS = """
print(digest.hexdigest(), *{"tensorflow", "tensorflow_datasets"} & set(sys.modules))
"""


def test_another_backend_sees_the_same_and_needs_no_tensorflow():
    here = {}
    exec(SAME, here)
    other = "torch" if keras.backend.backend() == "jax" else "jax"
    done = subprocess.run(
        [sys.executable, "-c", SAME + SAYS],
        env=os.environ | {"KERAS_BACKEND": other},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [here["digest"].hexdigest()]
