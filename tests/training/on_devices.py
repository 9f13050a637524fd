"""A training on devices that a CPU only simulates, for `test_devices`.

    python on_devices.py WHAT FOLDER

It prints, as JSON, what it found. WHAT is a function below.
"""

import contextlib
import csv
import hashlib
import json
import shutil
import sys
from pathlib import Path

import keras
from small_training import KillAt, Killed, few_digits, train_small

from keras_cnnzoo import data
from keras_cnnzoo.training import Recipe
from keras_cnnzoo.training.devices import open_devices

# 174 training images make a last batch of 14 and 26 validation images one of 26, which
# 4 devices cannot share.
RECIPE = Recipe(
    epochs=2, batch_size=40, augment=data.AUGMENTATIONS["digits"], validation=26
)


def history(folder):
    with (Path(folder) / "history.csv").open() as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def digest(model):
    arrays = [keras.ops.convert_to_numpy(w).tobytes() for w in model.weights]
    return hashlib.sha256(b"".join(arrays)).hexdigest()


def fit_small(devices, images):
    """Fit a network of five layers, and return it with its losses."""
    keras.utils.set_random_seed(3)
    with devices.scope():
        model = keras.Sequential(
            [
                keras.Input(images.image_shape),
                keras.layers.Conv2D(4, 3, use_bias=False),
                keras.layers.BatchNormalization(momentum=0.9),
                keras.layers.Flatten(),
                keras.layers.Dropout(0.5),
                keras.layers.Dense(10),
            ]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss)
        curve = model.fit(
            devices.part(images.train),
            validation_data=devices.part(images.validation),
            epochs=3,
            verbose=0,
        )
    return model, [curve.history["loss"], curve.history["val_loss"]]


def fitted(folder):
    """Fit a small network on 1 and 4 devices."""
    found = {}
    for count in (1, 4):
        digits = data.load(few_digits(), batch_size=40, augment="digits", validation=26)
        found[count] = fit_small(open_devices(count), digits)[1]
    return found


def train_on(devices, folder, **kwargs):
    given = {
        "out": folder,
        "recipe": RECIPE,
        "devices": devices,
        "set": {"ema.decay": 0.9, "mix.mixup": 0.2},
    }
    return train_small(few_digits(), **given | kwargs)


def simulated(folder):
    """Train on 1 and 4 devices; kill a training on 4, and go on on 4 and on 1."""
    found = {}
    for devices in (1, 4):
        run = train_on(devices, folder / str(devices))
        found[f"on {devices}"] = [history(run.folder), digest(run.model), devices]
    with contextlib.suppress(Killed):
        train_on(4, folder / "killed4", callbacks=[KillAt(1, 2)], save_every=0)
    shutil.copytree(folder / "killed4", folder / "killed1")
    for devices in (1, 4):
        out = folder / f"killed{devices}"
        run = train_on(devices, None, resume=out, callbacks=[KillAt(None)])
        found[f"resumed on {devices}"] = [
            *(history(out), digest(run.model), run.config["devices"])
        ]
    return found


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](Path(sys.argv[2]))))
