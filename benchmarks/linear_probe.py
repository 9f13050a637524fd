"""Compare `linear_probe` with `fit` of the same head on a frozen body.

    python benchmarks/linear_probe.py
    python benchmarks/linear_probe.py --data photos/ --model squeezenet1_1 --size 160

Epochs of both run in turn, in one process. Prints how many times faster an epoch of
the probe is, how long its features take, and the accuracy of both heads after the same
number of epochs. With the slot's one thread per process, set OMP_NUM_THREADS alike.
"""

import argparse
import statistics
import time
from typing import Any

import keras
import numpy as np

from keras_cnnzoo import build, data
from keras_cnnzoo.training import freeze, linear_probe

#: Epochs of the probe in a round; the first one, in which it is traced, does not count.
PROBED = 4


class EpochSeconds(keras.callbacks.Callback):
    """Measures every epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self._began)


def compiled(name: str, splits: data.Splits, weights: Any, rate: float) -> keras.Model:
    """Build and compile a model; all that are built are alike."""
    keras.utils.set_random_seed(0)
    model = build(
        name,
        input_shape=splits.image_shape,
        classes=len(splits.class_names),
        weights=weights,
    )
    model.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def main() -> None:
    """Print the ratio and the accuracies."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="digits", help="as for `data.load`")
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--weights", help="a file or tag of start weights")
    parser.add_argument("--source", help="the tag whose weights the file has")
    parser.add_argument("--size", type=int, default=64, help="of the images, in pixels")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    args = parser.parse_args()
    weights = (args.source, args.weights) if args.source else args.weights
    splits = data.load(args.data, image_size=args.size, channels=3)
    train = splits.split("train")
    check = splits.split("test" if splits.test is not None else "validation")

    def model() -> keras.Model:
        return compiled(args.model, splits, weights, args.learning_rate)

    full, probed = freeze(model()), model()
    full.fit(train, epochs=1, verbose=0)  # traced, and caches are warm
    ratios, wholes, features = [], [], []
    for _ in range(args.rounds):
        slow, fast = EpochSeconds(), EpochSeconds()
        full.fit(train, epochs=1, verbose=0, callbacks=[slow])
        began = time.perf_counter()
        linear_probe(probed, train, epochs=PROBED, callbacks=[fast], verbose=0)
        whole = time.perf_counter() - began
        ratios.append(slow.seconds[0] / statistics.median(fast.seconds[1:]))
        features.append((whole - sum(fast.seconds)) / slow.seconds[0])
        wholes.append(slow.seconds[0])
    print(
        f"{args.model} on {splits.name}, {train.num_examples} images of {args.size} "
        f"pixels, {keras.backend.backend()}: an epoch of `fit` takes "
        f"{statistics.median(wholes):.2f} s; an epoch of the probe is "
        f"{statistics.median(ratios):.0f} times faster (rounds: "
        f"{', '.join(f'{r:.0f}' for r in ratios)}); its features take "
        f"{statistics.median(features):.2f} epochs of `fit`"
    )
    again = model()
    epochs = args.rounds + 1
    linear_probe(again, train, epochs=epochs, verbose=0)
    for name, one in (("fit", full), ("linear_probe", again)):
        answers = one.predict(check.ordered(), verbose=0).argmax(1)
        accuracy = np.mean(answers == check.labels())
        print(f"{name:13} {accuracy:7.2%} of {len(answers)} after {epochs} epochs")


if __name__ == "__main__":
    main()
