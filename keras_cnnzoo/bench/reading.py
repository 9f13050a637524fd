"""Read the same JPEG files by several libraries in turn, and count their CPU time."""

import math
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_cnnzoo.backend.device import cores
from keras_cnnzoo.data import fast

#: A round reads the files often enough to read as many images, so that the start of
#: threads and processes does not count.
IMAGES, ROUNDS = 512, 5
#: The files that are made: their size, as ImageNet's photographs have it on average.
MADE, WIDTH, HEIGHT = 256, 500, 375
# Fraction of the area that a random crop keeps, as in the Inception papers.
AREA = (0.08, 1.0)

#: Reads all images once, and returns their number.
Pass = Callable[[], int]


@dataclass(frozen=True)
class Measured:
    """What was measured: seconds of each round by reader, and who could not take part.

    Attributes:
        images: Number of image files.
        bytes: Their size in all.
        image_size: Height and width of the results.
        cpu: CPU seconds an image, of all threads and processes, in each round.
        wall: Seconds an image in each round.
        absent: Readers that could not be used, and why.
    """

    images: int
    bytes: int
    image_size: int
    cpu: dict[str, list[float]]
    wall: dict[str, list[float]]
    absent: dict[str, str]

    def plain(self, feed: int) -> dict[str, Any]:
        """Return the medians, for JSON.

        Args:
            feed: Images a second, for which the necessary cores are stated.
        """
        rows = []
        for name, rounds in self.cpu.items():
            cpu, wall = statistics.median(rounds), statistics.median(self.wall[name])
            rows.append(
                {
                    "name": name,
                    "cpu_ms": 1e3 * cpu,
                    "images_per_second_a_core": 1 / cpu,
                    "images_per_second": 1 / wall,
                    "cores_to_feed": math.ceil(feed * cpu),
                }
            )
        return {
            "images": self.images,
            "kilobytes_an_image": self.bytes / self.images / 1e3,
            "image_size": self.image_size,
            "cores": cores(),
            "feed": feed,
            "readers": rows,
            "does": {name: DOES[name] for name in self.cpu},
            "absent": self.absent,
        }


def make_photographs(folder: Path, count: int | None = None) -> Path:
    """Write JPEG files with the statistics of photographs into two class folders.

    The amplitude of a pattern falls as 1/f with its frequency f, and its colours differ
    less than its brightness, as in natural images. The patterns are always the same.

    Args:
        folder: An empty folder.
        count: Number of files; None makes MADE.

    Source:
        Field, "Relations between the statistics of natural images and the response
        properties of cortical cells", 1987.
    """
    rng = np.random.default_rng(0)
    down, across = np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)
    frequency = np.maximum(np.hypot(down, across), 1 / WIDTH)
    for number in range(MADE if count is None else count):
        planes = []
        for spread in (55, 18, 18):  # brightness and two differences of colour
            noise = np.fft.rfft2(rng.normal(size=(HEIGHT, WIDTH)))
            plane = np.fft.irfft2(noise / frequency, (HEIGHT, WIDTH))
            planes.append(127 + plane * spread / plane.std())
        pixels = np.stack(planes, axis=-1).clip(0, 255).astype(np.uint8)
        path = folder / ("one", "other")[number % 2] / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels, "YCbCr").convert("RGB").save(path, quality=88)
    return folder


def measure(folder: Path, image_size: int, batch_size: int) -> Measured:
    """Read a folder by each library in turn, after a first pass that does not count.

    Args:
        folder: A folder of JPEG files, with a folder for each class.
        image_size: Height and width of the results.
        batch_size: Images in a batch.

    Raises:
        ValueError: The folder cannot be read, or holds other files than JPEG.
    """
    files = sorted(path for path in folder.glob("*/*") if path.is_file())
    others = [f for f in files if f.suffix.lower() not in (".jpg", ".jpeg")]
    if others or not files:
        raise ValueError(
            f"{folder} must hold a folder of JPEG files for each class, which all "
            f"libraries read. It holds {others[0] if others else 'none'}."
        )
    passes: dict[str, Pass] = {}
    absent: dict[str, str] = {}
    for name, make in READERS.items():
        try:
            read = make(folder, image_size, batch_size)
        except ImportError as error:
            absent[name] = str(error)
        else:
            read()
            passes[name] = read
    if fast.packages() is None:
        absent["keras_cnnzoo's extra `fast`"] = "pip install 'keras-cnnzoo[fast]'"
    times = math.ceil(IMAGES / len(files))
    cpu: dict[str, list[float]] = {name: [] for name in passes}
    wall: dict[str, list[float]] = {name: [] for name in passes}
    for _ in range(ROUNDS):
        for name, read in passes.items():
            began, busy = time.perf_counter(), _busy()
            count = sum(read() for _ in range(times))
            wall[name].append((time.perf_counter() - began) / count)
            cpu[name].append((_busy() - busy) / count)
    size = sum(path.stat().st_size for path in files)
    return Measured(len(files), size, image_size, cpu, wall, absent)


def _busy() -> float:
    """Return the CPU seconds of all threads, and of the processes that have ended."""
    return time.process_time() + sum(os.times()[2:4])


def _ours(folder: Path, image_size: int, batch_size: int) -> Pass:
    from keras_cnnzoo import data

    crops = data.Augmentation(area=AREA)
    splits = data.load(folder, image_size=image_size, validation=0, augment=crops)
    # Without shuffling, nothing is read ahead beyond the pass, while others read.
    train = data.ImageSet(
        splits.split("train").examples,
        batch_size=batch_size,
        augment=crops,
    )

    def read() -> int:
        train.on_epoch_begin()  # as `fit` does, so that threads read ahead
        count = sum(len(train[index][1]) for index in range(len(train)))
        train.on_epoch_end()
        return count

    return read


def _tensorflow() -> Any:
    from keras_cnnzoo.data.tfds import keep_off_accelerators

    # Without it, a machine without a GPU has that logged as an error.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow

    keep_off_accelerators()
    return tensorflow


def _tf_data(folder: Path, image_size: int, batch_size: int) -> Pass:
    tf = _tensorflow()

    def cropped(path: Any) -> Any:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        start, size, _ = tf.image.sample_distorted_bounding_box(
            tf.shape(image),
            tf.zeros((0, 0, 4)),
            area_range=AREA,
            aspect_ratio_range=(3 / 4, 4 / 3),
            min_object_covered=0,
            use_image_if_no_bounding_boxes=True,
        )
        part = tf.slice(image, start, size)
        part = tf.image.resize(part, (image_size, image_size), antialias=True)
        return tf.cast(part, tf.uint8)

    files = sorted(map(str, folder.glob("*/*")))
    batches = (
        tf.data.Dataset.from_tensor_slices(files)
        .map(cropped, tf.data.AUTOTUNE)
        .batch(batch_size)
        .prefetch(tf.data.AUTOTUNE)
    )
    return lambda: sum(len(batch) for batch in batches)


def _keras(folder: Path, image_size: int, batch_size: int) -> Pass:
    _tensorflow()
    import keras

    batches = keras.utils.image_dataset_from_directory(
        folder,
        image_size=(image_size, image_size),
        batch_size=batch_size,
        verbose=False,
    )
    return lambda: sum(len(labels) for _, labels in batches)


def _torchvision(folder: Path, image_size: int, batch_size: int) -> Pass:
    try:
        import torch
        from torchvision import datasets, transforms
    except Exception as error:  # beside another build of PyTorch it fails with others
        raise ImportError(str(error)) from error

    change = transforms.Compose(
        [
            transforms.RandomResizedCrop(image_size, scale=AREA),
            transforms.PILToTensor(),
        ]
    )
    batches = torch.utils.data.DataLoader(
        datasets.ImageFolder(str(folder), change), batch_size, num_workers=cores()
    )
    return lambda: sum(len(labels) for _, labels in batches)


#: By name: makes the pass of a reader, for a folder, an image size and a batch size.
READERS: dict[str, Callable[[Path, int, int], Pass]] = {
    "keras_cnnzoo": _ours,
    "tf.data": _tf_data,
    "Keras": _keras,
    "torchvision": _torchvision,
}
#: What each of them does.
DOES = {
    "keras_cnnzoo": "random crop, resized with antialiasing, read ahead by threads",
    "tf.data": "decode_jpeg, random crop, resize(antialias=True)",
    "Keras": "image_dataset_from_directory: no crop, resized without antialiasing",
    "torchvision": "RandomResizedCrop and DataLoader, one process a core",
}
