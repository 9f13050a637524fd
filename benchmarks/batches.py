"""What it costs an image to be shuffled, changed and batched, alone or with others.

    python benchmarks/batches.py

Grain can do all three image by image. `ImageSet` makes whole batches, and Grain reads
them ahead. Both are measured on 50,000 images of 32x32 pixels that are flipped at
random, in batches of 128, interleaved in one run.
"""

import statistics
import time

import grain
import numpy as np

from keras_cnnzoo.data import Augmentation
from keras_cnnzoo.data.batches import Batches
from keras_cnnzoo.data.checks import as_examples

COUNT, SIDE, BATCH, READ, ROUNDS = 50_000, 32, 128, 60, 5


class Images:
    """Images and labels by index."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.integer]:
        return self.images[index], self.labels[index]


class Flip(grain.transforms.RandomMap):
    """Flips an image with probability 1/2."""

    def random_map(self, element, rng: np.random.Generator):
        """Flip one image."""
        image, label = element
        return (image[:, ::-1] if rng.random() < 0.5 else image), label


def main() -> None:
    """Print the microseconds an image takes in both ways."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (COUNT, SIDE, SIDE, 3), np.uint8)
    labels = rng.integers(0, 10, COUNT)
    alone = grain.MapDataset.source(Images(images, labels)).seed(0).shuffle()
    alone = alone.random_map(Flip()).batch(BATCH)
    together = Batches(
        examples=as_examples(images, labels, "images"),
        batch_size=BATCH,
        shuffle=True,
        augment=Augmentation(flip=True),
        mix=None,
        seed=0,
    )
    ways = {
        "image by image": alone.__getitem__,
        "whole batches": lambda index: together.read(0, index),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, read in ways.items():
            began = time.perf_counter()
            for index in range(READ):
                read(index)
            times[name].append((time.perf_counter() - began) / READ / BATCH * 1e6)
    for name, taken in times.items():
        print(f"{name:16}{statistics.median(taken):8.1f} microseconds an image")


if __name__ == "__main__":
    main()
