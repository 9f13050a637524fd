"""Whether training in mixed bfloat16 loses anything against float32.

    python benchmarks/precision.py cifar10.npz
    python benchmarks/precision.py cifar10.npz --families resnet vgg --steps 150

The smallest network of each family trains on the same batches of small images in both
precisions, from the same initial weights, with several seeds. Prints the loss at the
end (the mean of the last tenth of the steps) as the mean of the seeds, how far apart
the seeds are in float32, and the mean difference of bfloat16 from float32 with the same
seed. The difference is within noise if it is at most the spread of float32 alone. A
network that learns nothing in so few steps is named, since it would show nothing.

The file holds `x_train`, uint8 images (n, height, width, 3), and `y_train`, class
numbers. `--curves FOLDER` writes the loss of every step, a .csv file for each network.
Initial weights and order are functions of the seed on a backend.
"""

import argparse
import csv
import statistics
import time
from pathlib import Path

import keras
import numpy as np

from keras_cnnzoo import build, registry
from keras_cnnzoo.internals.seeding import seed_everything
from keras_cnnzoo.precision import computing_in

#: Sides of the images that are tried, until one suits the network.
SIDES = (32, 64, 96, 128)
#: A network that ends above this share of its first loss shows nothing.
LEARNT = 0.97
PRECISIONS = ("float32", "bfloat16")


class Losses(keras.callbacks.Callback):
    """Keeps the loss of every step, from the running mean that Keras passes."""

    def __init__(self) -> None:
        super().__init__()
        self.means: list[float] = []

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        self.means.append(float(logs["loss"]))

    @property
    def steps(self) -> np.ndarray:
        """The loss of each step."""
        sums = np.array(self.means) * np.arange(1, len(self.means) + 1)
        return np.diff(sums, prepend=0.0)


def smallest(family: str) -> str:
    """Return the network of a family with the fewest multiply-accumulates."""
    names = next(f for f in registry.families() if f.name == family).variants
    return min(names, key=lambda name: registry.card(name).macs)


def losses_of(
    name: str, data: tuple[np.ndarray, np.ndarray], seed: int, precision: str, args
) -> np.ndarray:
    """Train a network, and return the loss of every step.

    Raises:
        ValueError: The images do not suit the network.
    """
    images, labels = data
    seed_everything(seed)
    with computing_in(precision):
        channels = registry.card(name).input_shape[-1]
        model = build(
            name,
            input_shape=(*images.shape[1:3], channels),
            classes=int(labels.max()) + 1,
            classifier_activation=None,
        )
    model.compile(
        keras.optimizers.Adam(args.learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    rng = np.random.default_rng(seed)
    count = args.steps * args.batch_size
    chosen = np.concatenate(
        [rng.permutation(len(labels)) for _ in range(count // len(labels) + 1)]
    )[:count]
    if channels == 1:
        images = images.mean(axis=-1, keepdims=True).astype("uint8")
    kept = Losses()
    model.fit(
        images[chosen],
        labels[chosen],
        batch_size=args.batch_size,
        shuffle=False,
        verbose=0,
        callbacks=[kept],
    )
    return kept.steps


def enlarged(images: np.ndarray, side: int) -> np.ndarray:
    """Repeat pixels until the images have at least a side."""
    times = -(-side // images.shape[1])
    return images.repeat(times, axis=1).repeat(times, axis=2)


def curves_of(name: str, images: np.ndarray, labels: np.ndarray, args) -> dict:
    """Return the loss curves of a network by precision, one for each seed."""
    for side in SIDES:
        data = enlarged(images, side), labels
        try:
            first = losses_of(name, data, 0, "float32", args)
            break
        except ValueError as error:
            if side == SIDES[-1]:
                raise
            reason = str(error)
            print(f"  {name} at {side} px: {reason[:70]}", flush=True)
    curves: dict[str, list[np.ndarray]] = {"float32": [first], "bfloat16": []}
    for seed in range(args.seeds):
        for precision in PRECISIONS:
            if len(curves[precision]) <= seed:
                curves[precision].append(losses_of(name, data, seed, precision, args))
    return curves


def show(family: str, name: str, curves: dict, seconds: float) -> None:
    """Print the row of a network."""
    ends = {
        precision: [float(curve[-max(1, len(curve) // 10) :].mean()) for curve in each]
        for precision, each in curves.items()
    }
    start = statistics.mean(float(curve[0]) for curve in curves["float32"])
    spread = max(ends["float32"]) - min(ends["float32"])
    pairs = zip(ends["bfloat16"], ends["float32"], strict=True)
    difference = statistics.mean(low - full for low, full in pairs)
    verdict = "within noise" if abs(difference) <= spread else "BEYOND NOISE"
    if statistics.mean(ends["float32"]) > LEARNT * start:
        verdict = "learns nothing in these steps"
    print(
        f"{family:20}{name:24}{start:8.3f}"
        f"{statistics.mean(ends['float32']):9.4f}{statistics.mean(ends['bfloat16']):9.4f}"
        f"{spread:9.4f}{difference:+9.4f}  {verdict}{seconds:7.0f} s",
        flush=True,
    )


def write(path: Path, curves: dict) -> None:
    """Write the loss of every step."""
    columns = {
        f"{precision} seed {seed}": curve
        for precision, each in curves.items()
        for seed, curve in enumerate(each)
    }
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["step", *columns])
        for step, row in enumerate(zip(*columns.values(), strict=True), 1):
            table.writerow([step, *row])


def main() -> None:
    """Compare the precisions, family by family."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help=".npz file with x_train and y_train")
    parser.add_argument("--families", nargs="+", help="(default: all)")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seeds", type=int, default=3, help="at least 2")
    parser.add_argument("--curves", type=Path, metavar="FOLDER")
    args = parser.parse_args()
    with np.load(args.data) as file:
        images, labels = file["x_train"], file["y_train"].ravel().astype("int32")
    own = [f.name for f in registry.families() if f.twin is None]
    print(
        f"{keras.backend.backend()}, {args.steps} steps of {args.batch_size}, "
        f"{args.seeds} seeds\n{'family':20}{'network':24}{'at first':>8}"
        f"{'float32':>9}{'bfloat16':>9}{'spread':>9}{'apart':>9}",
        flush=True,
    )
    for family in args.families or own:
        name = smallest(family)
        began = time.perf_counter()
        try:
            curves = curves_of(name, images, labels, args)
        except ValueError as error:
            print(f"{family:20}{name:24}left out: {str(error)[:90]}", flush=True)
            continue
        show(family, name, curves, time.perf_counter() - began)
        if args.curves:
            args.curves.mkdir(parents=True, exist_ok=True)
            write(args.curves / f"{name}.csv", curves)
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
