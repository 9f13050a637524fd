"""How far the losses on several devices and in several processes are from one device's.

    python benchmarks/devices.py

The same training runs on one device, on four that JAX simulates on a processor, and in
two processes that talk over loopback. It prints the largest difference between their
loss curves, and whether both processes ended with the same weights.
"""

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

#: Batch normalisation, drop-path, augmentation, mixup and averaged weights.
SETTINGS = {"epochs": 3, "ema.decay": 0.9, "mix.mixup": 0.2}
NETWORK = {"blocks": 1, "width": 8, "drop_path": 0.2, "image_size": 16}
BATCH, IMAGES = 40, 434
BOUND = 1e-5


def train_here(folder: str, devices: int | None, hosts: str | None) -> None:
    """Train in this process, and print losses and a digest of the weights."""
    import csv

    import keras
    from rich.console import Console

    from keras_cnnzoo import data
    from keras_cnnzoo.training import train
    from keras_cnnzoo.training.processes import Hosts, join

    join(None if hosts is None else Hosts.parse(hosts))
    images, labels = data.load("digits", validation=0).train.arrays()
    run = train(
        "cifar_resnet20",
        {"train": (images[:IMAGES], labels[:IMAGES])},
        recipe="digits",
        set=SETTINGS,
        batch_size=BATCH,
        out=folder,
        devices=devices,
        hosts=hosts,
        console=Console(quiet=True),
        **NETWORK,
    )
    with (run.folder / "history.csv").open() as file:
        losses = [[row["loss"], row["val_loss"]] for row in csv.DictReader(file)]
    weights = [keras.ops.convert_to_numpy(w).tobytes() for w in run.model.weights]
    digest = hashlib.sha256(b"".join(weights)).hexdigest()
    print(json.dumps({"losses": losses, "digest": digest}))


def start(folder: Path, *words: str, simulated: int = 1) -> subprocess.Popen:
    """Start a training in a process of its own."""
    flag = f"--xla_force_host_platform_device_count={simulated}"
    return subprocess.Popen(
        [sys.executable, __file__, "--here", str(folder), *words],
        env=os.environ
        | {
            "KERAS_BACKEND": "jax",
            "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {flag}",
        },
        stdout=subprocess.PIPE,
        text=True,
    )


def told(process: subprocess.Popen) -> dict:
    """Wait for a training, and return what it printed."""
    out, _ = process.communicate()
    if process.returncode:
        sys.exit(process.returncode)
    return json.loads(out.splitlines()[-1])


def largest(losses: list, others: list) -> float:
    """Return the largest difference between two loss curves."""
    return max(
        abs(float(a) - float(b))
        for row, other in zip(losses, others, strict=True)
        for a, b in zip(row, other, strict=True)
    )


def main() -> None:
    """Print the differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--devices", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--hosts", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        train_here(args.here, args.devices, args.hosts)
        return
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{held.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as home:
        one = told(start(Path(home, "one")))
        four = told(start(Path(home, "four"), "--devices", "4", simulated=4))
        started = [
            start(Path(home, "two"), "--hosts", f"{address},2,{index}")
            for index in range(2)
        ]
        first, second = map(told, started)
    found = {
        "4 simulated devices": largest(one["losses"], four["losses"]),
        "2 processes": largest(one["losses"], first["losses"]),
    }
    for name, difference in found.items():
        print(f"{name:20} losses within {difference:.1e} of one device's")
    same = first["digest"] == second["digest"]
    print(f"both processes have {'the same' if same else 'DIFFERENT'} weights")
    sys.exit(not same or max(found.values()) > BOUND)


if __name__ == "__main__":
    main()
