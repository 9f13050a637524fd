"""Kill a training at random moments, resume it, and compare its end.

    python benchmarks/kills.py --kills 50

A small residual network with drop-path, batch normalisation and augmentation is
trained by `train` in processes of its own. Each is killed by SIGKILL after a random
number of checkpoints, or while one is written, and the next one resumes the run.
When a run is finished, its weights, history and results are compared, to the last
bit, with those of a run that nothing disturbed, and another run is killed.
"""

import argparse
import csv
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from keras_cnnzoo import data
from keras_cnnzoo.training import Run

OPTIONS = {"blocks": 1, "width": 4, "drop_path": 0.3, "image_size": 16}
TRAIN = """
import sys
from rich.console import Console
from keras_cnnzoo.training import train
quiet = Console(quiet=True)
if sys.argv[3] == "resume":
    train(resume=sys.argv[2], save_every=0, console=quiet)
else:
    train("cifar_resnet20", sys.argv[1], out=sys.argv[2], epochs=6, seed=5,
          save_every=0, console=quiet, **{options})
""".replace("{options}", repr(OPTIONS))


def start(images: Path, folder: Path, how: str) -> subprocess.Popen:
    """Start or resume the training in a process of its own."""
    return subprocess.Popen([sys.executable, "-c", TRAIN, images, folder, how])


def wait(process: subprocess.Popen, folder: Path, count: int) -> bool:
    """Wait for new checkpoints; return whether the process still runs then."""
    found = {path.name for path in folder.glob("checkpoints/epoch*")}
    new = set()
    while process.poll() is None and len(new) < count:
        time.sleep(0.002)
        new |= {path.name for path in folder.glob("checkpoints/epoch*")} - found
    return process.poll() is None


def outcome(folder: Path) -> dict[str, object]:
    """Return everything that has to be the same."""
    run = Run.open(folder)
    with (folder / "history.csv").open() as file:
        history = [
            {key: value for key, value in row.items() if key != "seconds"}
            for row in csv.DictReader(file)
        ]
    weights = [keras.ops.convert_to_numpy(w).tobytes() for w in run.model.weights]
    results = {k: v for k, v in run.results.items() if k != "seconds"}
    return {"weights": weights, "history": history, "results": results}


def main() -> None:
    """Print how many kills ended in the same weights, history and results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as home:
        images, labels = data.load("digits", validation=0).train.arrays()
        file = Path(home, "digits.npz")
        np.savez(file, x_train=images[:260], y_train=labels[:260])
        start(file, Path(home, "whole"), "new").wait()
        expected = outcome(Path(home, "whole"))
        kills = runs = 0
        equal = True
        while kills < args.kills:
            folder, how = Path(home, f"killed{runs}"), "new"
            while True:
                process = start(file, folder, how)
                if not wait(process, folder, rng.randint(1, 4)):
                    break
                time.sleep(rng.random() * 0.05)
                process.kill()
                process.wait()
                how, kills = "resume", kills + 1
                if kills == args.kills:
                    start(file, folder, how).wait()
                    break
            runs += 1
            same = outcome(folder) == expected
            equal = equal and same
            print(f"run {runs}: {'equal' if same else 'DIFFERENT'} after {kills} kills")
    print(
        f"{keras.backend.backend()}: {kills} kills in {runs} runs, seed {args.seed}: "
        f"{'all equal to the undisturbed run' if equal else 'DIFFERENT'}"
    )
    sys.exit(not equal)


if __name__ == "__main__":
    main()
