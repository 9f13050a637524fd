"""Labelled images, accessed by index, in memory or in encoded files."""

import functools
import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from keras_cnnzoo.data import reading
from keras_cnnzoo.data.adapt import Adapter, Box
from keras_cnnzoo.data.decode import Encoded
from keras_cnnzoo.data.targets import Targets, alike

#: Colour images whose shorter side has at least this many pixels are photographs.
PHOTOGRAPH_SIDE = 96

# Sets up to this size are resized once and kept, larger ones batch by batch.
MAX_ADAPTED_BYTES = 2**30

#: Returns the part of an image to take, given its index in the batch, height and width.
Window = Callable[[int, int, int], Box]


class Skipped(NamedTuple):
    """A file that was left out, and why."""

    path: str
    reason: str


class Examples(Protocol):
    """Images with labels, in a fixed order; see `keras_cnnzoo.data.targets`."""

    labels: np.ndarray
    failed: dict[str, str]

    @property
    def ready(self) -> bool:
        """Whether `images` only takes them out of an array."""

    @property
    def shape(self) -> tuple[int | None, int | None, int]:
        """Height, width and channels; height and width are None if images differ."""

    def take(self, indices: np.ndarray) -> Self:
        """Return the examples at these indices, in that order."""

    def digest(self) -> str:
        """Return a short hash of the labels, and of the pixels or the files' names."""

    def adapted(self, adapter: Adapter, *, once: bool) -> Self:
        """Return the same examples, resized; `once` allows keeping the results."""

    def of_size(self, size: tuple[int, int]) -> Self:
        """Return adapted examples in another height and width; nothing is kept."""

    def images(self, indices: np.ndarray, window: Window | None = None) -> np.ndarray:
        """Return a batch of images, channels last, uint8 or float32."""


def _digest(*parts: Any) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]


@dataclass
class ArrayExamples:
    """Images in one array `(n, height, width, channels)`."""

    pixels: np.ndarray
    labels: np.ndarray
    adapter: Adapter | None = None
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        return self.adapter is None

    @property
    def shape(self) -> tuple[int | None, int | None, int]:
        return self.adapter.shape if self.adapter else self.pixels.shape[1:]

    def take(self, indices: np.ndarray) -> "ArrayExamples":
        return replace(self, pixels=self.pixels[indices], labels=self.labels[indices])

    def digest(self) -> str:
        return _digest(self.labels, np.ascontiguousarray(self.pixels))

    def adapted(self, adapter: Adapter, *, once: bool) -> "ArrayExamples":
        size = len(self.labels) * np.prod(adapter.shape) * self.pixels.itemsize
        if once and size <= MAX_ADAPTED_BYTES:
            return replace(self, pixels=adapter(self.pixels))
        return replace(self, adapter=adapter)

    def of_size(self, size: tuple[int, int]) -> "ArrayExamples":
        assert self.adapter is not None
        return replace(self, adapter=replace(self.adapter, size=size))

    def images(self, indices: np.ndarray, window: Window | None = None) -> np.ndarray:
        pixels = self.pixels[indices]
        if self.adapter is None:
            return pixels
        if window is None:
            return self.adapter(pixels)
        height, width = pixels.shape[1:3]
        return np.stack(
            [
                self.adapter.one(image, window(place, height, width))
                for place, image in enumerate(pixels)
            ]
        )


@dataclass
class EncodedExamples:
    """Images that are decoded on demand.

    A file that does not decode is replaced by the next one of the same class, or of the
    nearest labels, so that a run goes on and the labels stay right; if there is none,
    by a black image. One warning and `failed` name the file. A set that fits into
    memory is decoded in the first epoch and kept.

    Args:
        fetch: Returns the path, or the bytes, of the image with a number.
        labels: The label of each example.
        numbers: The number of each example, for `fetch` and `describe`.
        describe: Returns the name, for messages, of the image with a number.
        shape: Height, width and channels; height and width are None if images differ.
        adapter: Converts images to one size and number of channels.
    """

    fetch: Callable[[int], Encoded]
    labels: np.ndarray
    numbers: np.ndarray
    describe: Callable[[int], str]
    shape: tuple[int | None, int | None, int]
    adapter: Adapter | None = None
    failed: dict[str, str] = field(default_factory=dict)
    _kept: dict[int, np.ndarray] | None = None

    @property
    def ready(self) -> bool:
        return self._kept is not None and len(self._kept) == len(self.labels)

    def take(self, indices: np.ndarray) -> "EncodedExamples":
        labels, numbers = self.labels[indices], self.numbers[indices]
        return replace(self, labels=labels, numbers=numbers, failed={}, _kept=None)

    def digest(self) -> str:
        # Without folders, since data may be moved.
        names = (PurePath(self.describe(int(n))).name for n in self.numbers)
        return _digest(self.labels, "/".join(names).encode())

    def adapted(self, adapter: Adapter, *, once: bool) -> "EncodedExamples":
        small = len(self.labels) * np.prod(adapter.shape) <= MAX_ADAPTED_BYTES
        return replace(
            self,
            adapter=adapter,
            shape=adapter.shape,
            _kept={} if once and small else None,
        )

    def of_size(self, size: tuple[int, int]) -> "EncodedExamples":
        assert self.adapter is not None
        adapter = replace(self.adapter, size=size)
        return replace(self, adapter=adapter, shape=adapter.shape, _kept=None)

    def images(self, indices: np.ndarray, window: Window | None = None) -> np.ndarray:
        def image(place: int) -> np.ndarray:
            return self._image(indices[place], place, window)

        return np.stack([image(place) for place in range(len(indices))])

    def _image(self, index: int, place: int, window: Window | None) -> np.ndarray:
        assert self.adapter is not None
        kept = None if window else self._kept
        if kept is not None and index in kept:
            return kept[index]
        image = self._read_near(index, window and functools.partial(window, place))
        if image is None:
            image = np.zeros(self.adapter.shape, np.uint8)
        if kept is not None:
            kept[index] = image
        return image

    def _read_near(
        self, index: int, window: reading.Window | None
    ) -> np.ndarray | None:
        """Read an image or, if it fails, the next one of its class that decodes."""
        image = self._read(index, window)
        if image is None:
            for other in alike(self.labels, index):
                image = self._read(other, window)
                if image is not None:
                    break
        return image

    def _read(self, index: int, window: reading.Window | None) -> np.ndarray | None:
        number = int(self.numbers[index])
        name = self.describe(number)
        if name in self.failed:
            return None
        assert self.adapter is not None
        try:
            return reading.read(self.fetch(number), self.adapter, window)
        except Exception as error:  # Pillow raises various exceptions
            self.failed[name] = f"{type(error).__name__}: {error}"
            warnings.warn(
                f"{name} does not decode ({error}). Another image of its class takes "
                f"its place; broken so far: {len(self.failed)}.",
                stacklevel=2,
            )
            return None


@dataclass(frozen=True)
class Source:
    """An opened source of data: its sets of examples, and the files left out.

    Attributes:
        name: Name of the data set.
        sets: Examples by split.
        class_names: Names of the classes in the data, or of its numbers.
        skipped: Files that were left out.
        side: Median of the images' shorter sides in pixels; None if unknown.
        kind: What the labels are; see `keras_cnnzoo.data.targets.Targets`.
    """

    name: str
    sets: dict[str, Examples]
    class_names: tuple[str, ...]
    skipped: Sequence[Skipped] = ()
    side: int | None = None
    kind: str = "class"

    @property
    def targets(self) -> Targets:
        """What is to be predicted from the images."""
        return Targets(self.kind, self.class_names)

    @property
    def are_photographs(self) -> bool:
        """Whether the images are in colour and larger than thumbnails."""
        shapes = [examples.shape for examples in self.sets.values()]
        sides = [min(h, w) for h, w, _ in shapes if h is not None and w is not None]
        side = self.side or min(sides, default=PHOTOGRAPH_SIDE)
        return side >= PHOTOGRAPH_SIDE and all(shape[2] == 3 for shape in shapes)
