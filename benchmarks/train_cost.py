"""What `train` costs above `fit`, and `fit` above a hand-written PyTorch loop.

    KERAS_BACKEND=jax python benchmarks/train_cost.py

LeNet-5 learns the package's digits, with their augmentation, batch size, optimizer and
validation after every epoch, in three ways that take turns: a loop written by hand for
PyTorch, Keras's `fit` on our `ImageSet`, and `training.train`. An epoch lasts from its
beginning to the beginning of the next one, so everything that `train` does between two
epochs counts. The first epoch, in which Keras compiles, does not.

Prints seconds and CPU seconds of an epoch, their ratios as medians of the rounds, and
what each callback of `train` takes. `benchmarks/start_up.py` is about what comes before
the first epoch.
"""

import argparse
import io
import itertools
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

WAYS = ("loop", "fit", "train")


class Epochs:
    """Notes when epochs begin, and returns how long those after the first took."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def begin(self) -> None:
        """Note the beginning of an epoch."""
        self.wall.append(time.perf_counter())
        self.cpu.append(time.process_time())

    def taken(self) -> tuple[float, float]:
        """Return median seconds and CPU seconds of an epoch."""
        return tuple(
            statistics.median(b - a for a, b in itertools.pairwise(times[1:]))
            for times in (self.wall, self.cpu)
        )


def prepared():
    """Return the compiled LeNet-5 and the digits, as `train` prepares them."""
    from keras_cnnzoo import data
    from keras_cnnzoo.training import find_recipe
    from keras_cnnzoo.training.preparing import prepare

    ready = prepare(
        "lenet5",
        data.open_source("digits"),
        find_recipe("lenet5", "digits"),
        seed=0,
    )
    ready.compile()
    return ready


def noting(epochs: Epochs):
    """Return a Keras callback that notes the beginnings of epochs."""
    import keras

    return keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: epochs.begin())


class Loop:
    """LeNet-5 in PyTorch, trained by a loop on the same batches."""

    def __init__(self, ready) -> None:
        import torch
        from torch import nn

        self.train = ready.splits.split("train")
        self.validation = ready.splits.split("validation")
        self.network = nn.Sequential(
            *(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2)),
            *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)),
            *(nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten()),
            *(nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)),
        )
        rate = ready.recipe.optimizer.learning_rate
        self.optimizer = torch.optim.AdamW(self.network.parameters(), rate)

    def batch(self, images, labels):
        """Return a batch as tensors, scaled as our LeNet-5 scales its images."""
        import torch

        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        return pixels, torch.from_numpy(labels).long()

    def __call__(self, count: int, epochs: Epochs) -> None:
        import torch
        from torch.nn.functional import cross_entropy

        for _ in range(count):
            epochs.begin()
            self.train.on_epoch_begin()
            right = total = 0
            for index in range(len(self.train)):
                images, labels = self.batch(*self.train[index])
                self.optimizer.zero_grad()
                outputs = self.network(images)
                loss = cross_entropy(outputs, labels)
                loss.backward()
                self.optimizer.step()
                right += (outputs.argmax(1) == labels).sum()
                total += loss.detach()
            self.train.on_epoch_end()
            with torch.no_grad():
                for index in range(len(self.validation)):
                    images, labels = self.batch(*self.validation[index])
                    outputs = self.network(images)
                    right += (outputs.argmax(1) == labels).sum()
                    total += cross_entropy(outputs, labels)
            float(total), int(right)


def watched(spent: dict[str, float]):
    """Make the callbacks of `train` note the seconds that they take."""
    from keras_cnnzoo import training

    kinds = (
        *(training.KeepBest, training.HistoryFile, training.ProgressBar),
        *(training.Watch, training.KeepCheckpoints, training.StopInOrder),
    )
    for kind in kinds:
        for name in [n for n in vars(kind) if n.startswith("on_")]:
            setattr(kind, name, _noting(kind.__name__, getattr(kind, name), spent))


def _noting(name, method, spent):
    def call(*args, **kwargs):
        began = time.perf_counter()
        try:
            return method(*args, **kwargs)
        finally:
            spent[name] += time.perf_counter() - began

    return call


def compare(count: int, rounds: int) -> dict:
    """Run the three ways in turn; return the seconds of epochs and of callbacks."""
    import keras
    from rich.console import Console

    from keras_cnnzoo.training import train

    ready = prepared()
    splits = ready.splits
    loop = Loop(ready)
    spent: dict[str, float] = defaultdict(float)

    def fit(epochs: Epochs) -> None:
        ready.model.fit(
            splits.split("train"),
            validation_data=splits.split("validation"),
            epochs=count,
            verbose=0,
            callbacks=[noting(epochs)],
        )

    def whole(epochs: Epochs) -> None:
        with tempfile.TemporaryDirectory() as folder:
            train(
                "lenet5",
                out=Path(folder, "run"),
                epochs=count,
                callbacks=[noting(epochs)],
                console=Console(file=io.StringIO()),
            )

    watched(spent)
    ways = {"loop": lambda epochs: loop(count, epochs), "fit": fit, "train": whole}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            epochs = Epochs()
            way(epochs)
            for times, taken in zip((wall, cpu), epochs.taken(), strict=True):
                times[name].append(taken)
    return {
        "backend": keras.backend.backend(),
        "steps": len(splits.split("train")),
        "epochs": count,
        "wall": wall,
        "cpu": cpu,
        "callbacks": {name: taken / count / rounds for name, taken in spent.items()},
    }


def ratio(times: dict[str, list[float]], one: str, other: str) -> float:
    """Return the median over the rounds of one way's time relative to another's."""
    pairs = zip(times[one], times[other], strict=True)
    return statistics.median(a / b for a, b in pairs)


def show(found: dict) -> None:
    """Print the results."""
    print(f"{found['backend']}: {found['steps']} steps an epoch; medians of rounds")
    for name in WAYS:
        wall, cpu = (1e3 * statistics.median(found[k][name]) for k in ("wall", "cpu"))
        print(f"  {name:8}{wall:9.0f} ms an epoch{cpu:9.0f} CPU ms")
    for one, other in (("fit", "loop"), ("train", "loop"), ("train", "fit")):
        wall, cpu = (ratio(found[kind], one, other) for kind in ("wall", "cpu"))
        print(f"  {one:6}of {other:6}{wall:7.2f}   in CPU time{cpu:7.2f}")
    epoch = statistics.median(found["wall"]["train"])
    for name, taken in sorted(found["callbacks"].items(), key=lambda pair: -pair[1]):
        print(f"  {name:18}{1e3 * taken:8.1f} ms an epoch{taken / epoch:8.1%}")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=8, help="of a round (at least 3)")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    show(compare(max(3, args.epochs), args.rounds))


if __name__ == "__main__":
    main()
