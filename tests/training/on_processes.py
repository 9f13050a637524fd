"""What each of two processes does in `test_processes`.

    python on_processes.py WHAT HOSTS FOLDER

HOSTS is as for `train`, or `-` for one process. The last line is JSON.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import keras
import on_devices
from small_training import few_digits

from keras_cnnzoo import data
from keras_cnnzoo.training.devices import open_devices
from keras_cnnzoo.training.processes import ALONE, Hosts, join


class Die(keras.callbacks.Callback):
    """Ends process 1 by a signal in its second epoch, after process 0 has saved."""

    def __init__(self, folder, number):
        super().__init__()
        self.folder, self.number = folder, number

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == (1, 2) and not join().leads:
            while not list(self.folder.glob("checkpoints/epoch*")):
                time.sleep(0.01)
            os.kill(os.getpid(), self.number)


def fitted(hosts, folder):
    """Fit a network of five layers, and tell its losses and weights."""
    processes = ALONE if hosts is None else join(hosts)
    devices = open_devices(None, processes)
    images = data.load(few_digits(), batch_size=50, augment="digits", validation=25)
    model, losses = on_devices.fit_small(devices, images)
    processes.check_same(model)
    shared = folder / "shared"
    if processes.leads:
        shared.mkdir(parents=True)
        (shared / "note").write_text("said by process 0")
    said = (processes.copied(shared) / "note").read_text()
    return [losses, on_devices.digest(model), said, str(processes.own_folder())]


def trained(hosts, folder, **kwargs):
    run = on_devices.train_on(None, folder / "run", hosts=hosts, **kwargs)
    leads = join().leads
    return [on_devices.history(run.folder), on_devices.digest(run.model), leads]


def killed(hosts, folder):
    die = Die(folder / "run", signal.SIGKILL)
    return trained(hosts, folder, callbacks=[die], save_every=0)


def called(hosts, folder):
    die = Die(folder / "run", signal.SIGTERM)
    return trained(hosts, folder, callbacks=[die], save_every=0)


def resumed(hosts, folder):
    # Process 1 need not see the run's folder.
    resume = folder / ("run" if hosts is None or hosts.index == 0 else "nowhere")
    as_before = Die(folder / "run", 0)  # a signal that ends nothing
    return trained(hosts, folder, resume=resume, callbacks=[as_before])


if __name__ == "__main__":
    what, text, folder = sys.argv[1:]
    hosts = None if text == "-" else Hosts.parse(text)
    print(json.dumps(globals()[what](hosts, Path(folder))))
