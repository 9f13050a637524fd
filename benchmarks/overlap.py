"""How long an epoch takes beside its computation alone and its reading alone.

    python benchmarks/overlap.py --images 512 --rounds 3

ResNet-18 is fitted to JPEG files at 64 pixels, to the same batches kept in memory, and
the files are read without a model, interleaved in one run. Batches are read by threads
while the model computes, so an epoch should take little more than the longer of the
two. On a machine without an accelerator both share the processors.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from keras_cnnzoo import build, data

SIDE, BATCH = 64, 32


def write_photographs(folder: Path, count: int) -> None:
    """Write JPEG files of 200x160 pixels whose detail is that of photographs."""
    rng = np.random.default_rng(0)
    for number in range(count):
        layers = [
            Image.fromarray(
                rng.integers(0, 256, (160 // step, 200 // step, 3), np.uint8)
            ).resize((200, 160), Image.Resampling.BICUBIC)
            for step in (40, 20, 8, 2)
        ]
        mixed = np.average(layers, axis=0, weights=(8, 4, 2, 1)).astype(np.uint8)
        home = folder / "ab"[number % 2]
        home.mkdir(exist_ok=True)
        Image.fromarray(mixed).save(home / f"{number:05}.jpg", quality=90)


class Kept(keras.utils.PyDataset):
    """Batches in memory."""

    def __init__(self, batches: list[tuple[np.ndarray, np.ndarray]]) -> None:
        super().__init__()
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.batches[index]


def seconds(action) -> float:
    """Return how long an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main() -> None:
    """Print the three times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        write_photographs(Path(name), args.images)
        train = data.load(
            name, image_size=SIDE, batch_size=BATCH, augment="imagenet", validation=0
        ).train
        kept = Kept(list(train))
        model = build("resnet18", input_shape=train.image_shape, classes=2)
        model.compile("sgd", "sparse_categorical_crossentropy")

        def read() -> None:
            train.on_epoch_begin()
            for index in range(len(train)):
                train[index]
            train.on_epoch_end()

        actions = {
            "computation alone": lambda: model.fit(kept, shuffle=False, verbose=0),
            "reading alone": read,
            "both": lambda: model.fit(train, verbose=0),
        }
        for action in actions.values():  # compile, and start the threads
            action()
        times = {name: [] for name in actions}
        for _ in range(args.rounds):
            for name, action in actions.items():
                times[name].append(seconds(action))
    ratios = [
        both / max(compute, reading)
        for compute, reading, both in zip(*times.values(), strict=True)
    ]
    for name, taken in times.items():
        print(f"{name:20}{statistics.median(taken):8.2f} s")
    print(
        f"{keras.backend.backend()}: an epoch takes {statistics.median(ratios):.3f} "
        f"times the longer of the two (rounds: "
        f"{', '.join(f'{r:.3f}' for r in ratios)}; bound 1.08)"
    )


if __name__ == "__main__":
    main()
