"""What the first epoch of `train` spends its time on, in a new process.

    KERAS_BACKEND=torch python benchmarks/start_up.py

LeNet-5 learns the package's digits for one epoch. Prints the seconds from the imports
to the results, as medians of several processes. `benchmarks/train_cost.py` is about the
epochs after the first.
"""

import argparse
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path


def train_once() -> None:
    """Train one epoch in this process, and print what it spends its time on."""
    marks = [("", time.perf_counter())]

    def mark(name: str) -> None:
        marks.append((name, time.perf_counter()))

    from keras_cnnzoo.cli.starting import start_keras

    start_keras()
    mark("Keras and the backend")
    import keras
    from rich.console import Console

    from keras_cnnzoo.training import fitting, train

    mark("the rest of the package")

    class Marks(keras.callbacks.Callback):
        """Marks the first step and the end of the training."""

        def on_train_begin(self, logs=None):
            mark("data, model and plan")

        def on_train_batch_end(self, batch, logs=None):
            if marks[-1][0] != "first step":
                mark("first step") if batch == 0 else None

        def on_epoch_end(self, epoch, logs=None):
            mark("rest of the epoch, validation")

    for name in ("draw_curves", "evaluate", "draw_confusion"):
        plain = getattr(fitting, name)

        def timed(*args, name=name, plain=plain, **kwargs):
            mark("between")
            result = plain(*args, **kwargs)
            mark(name)
            return result

        setattr(fitting, name, timed)
    with tempfile.TemporaryDirectory() as folder:
        train(
            "lenet5",
            out=Path(folder, "run"),
            epochs=1,
            callbacks=[Marks()],
            console=Console(file=io.StringIO()),
        )
    mark("the results")
    taken: dict[str, float] = defaultdict(float)
    for (_, before), (name, after) in itertools.pairwise(marks):
        taken[name] += after - before
    print(json.dumps(taken))


def show(rounds: int) -> None:
    """Print the medians of several new processes."""
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, __file__, "--once"],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        for name, taken in json.loads(done.stdout.splitlines()[-1]).items():
            found[name].append(taken)
        found["the whole process"].append(time.perf_counter() - began)
    print(f"{os.environ.get('KERAS_BACKEND', 'tensorflow')}: one epoch of LeNet-5")
    for name, taken in found.items():
        print(f"  {name:32}{statistics.median(taken):7.2f} s")


def main() -> None:
    """Measure, or train in this process."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.once:
        train_once()
    else:
        show(args.rounds)


if __name__ == "__main__":
    main()
