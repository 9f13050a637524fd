"""The batches of a data set: each is a function of seed, epoch and index alone."""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.axes import place_channels
from keras_cnnzoo.data.augment import COLUMN, Augmentation
from keras_cnnzoo.data.examples import Examples
from keras_cnnzoo.data.share import Share

Augment = Augmentation | Callable[..., Any]
#: Changes the images and labels of a batch, given a random generator.
Mix = Callable[
    [np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]
]

# The independent streams of random numbers of a data set.
ORDER, DRAWS, CALLS, MIXES, FLIPS = range(5)


@dataclass(frozen=True, kw_only=True)
class Batches:
    """Batches of images and labels, which can be read in any order and by threads.

    Args:
        examples: The images and labels.
        batch_size: Images in a batch; the last batch of an epoch may be smaller.
        shuffle: Whether every epoch has a new order.
        augment: The augmentation, or None.
        mix: What is done to a batch after the augmentation, or None.
        seed: Seed of the order and the augmentation.
        share: The part of each batch to read, whose images are those that a single
            process would read there; None reads all.
        sizes: Height and width of the images in each epoch; the last one holds for all
            epochs after it. Empty for that of the examples.
    """

    examples: Examples
    batch_size: int
    shuffle: bool
    augment: Augment | None
    mix: Mix | None
    seed: int
    sizes: Sequence[tuple[int, int]] = ()
    share: Share | None = None

    @property
    def per_epoch(self) -> int:
        """The number of batches in an epoch."""
        return math.ceil(len(self.examples.labels) / self.batch_size)

    @property
    def are_cheap(self) -> bool:
        """Whether a batch is no more than a slice of an array."""
        return self.augment is self.mix is None and self.examples.ready

    def sized(self, epoch: int) -> Examples:
        """Return the examples in the size that they have in an epoch."""
        if not self.sizes:
            return self.examples
        size = self.sizes[min(epoch, len(self.sizes) - 1)]
        return self.examples.of_size(size)

    def read(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the images and labels of one batch.

        Raises:
            ValueError: The augmentation changed the shape of the images.
        """
        count = self.size(index)
        rows = slice(count) if self.share is None else self.share.rows(count)
        if not self._is_image_by_image:
            images, labels = self._read(epoch, index, slice(count))
            return images[rows], labels[rows]
        return self._read(epoch, index, rows)

    def size(self, index: int) -> int:
        """Return the number of images of a batch, in all its shares together."""
        left = len(self.examples.labels) - index * self.batch_size
        return min(left, self.batch_size)

    @property
    def _is_image_by_image(self) -> bool:
        """Whether no image of a batch changes another one, or what is drawn for it."""
        augment = self.augment
        if isinstance(augment, Augmentation):
            # Policies draw for one image after another.
            return augment.policy is None and self.mix is None
        return augment is self.mix is None

    def _read(
        self, epoch: int, index: int, rows: slice
    ) -> tuple[np.ndarray, np.ndarray]:
        chosen = self._order(epoch)[index * self.batch_size :][: self.batch_size]
        images = self._images(epoch, index, chosen, rows)
        labels = self.examples.labels[chosen[rows]]
        if self.mix is None:
            return images, labels
        return self.mix(images, labels, self._rng(MIXES, epoch, index))

    def _images(
        self, epoch: int, index: int, chosen: np.ndarray, rows: slice
    ) -> np.ndarray:
        augment, examples = self.augment, self.sized(epoch)
        if isinstance(augment, Augmentation):
            # Drawn for the whole batch, so that no share changes what an image gets.
            rng = self._rng(DRAWS, epoch, index)
            draws = augment.draw(rng, len(chosen))
            if augment.flip == "alternate":
                draws[:, COLUMN["flip"]] = self._alternating(epoch)[chosen]
            draws = draws[rows]
            images = examples.images(chosen[rows], augment.window(draws))
            return place_channels(augment.apply(images, draws, rng))
        images = examples.images(chosen[rows])
        if isinstance(augment, keras.layers.Layer):
            # A layer expects the data format of Keras's configuration.
            images = place_channels(images.astype(np.float32))
            _seed(augment, self._rng(CALLS, epoch, index))
            changed = keras.ops.convert_to_numpy(augment(images, training=True))
            return self._checked(changed, images.shape)
        if callable(augment):
            images = images.astype(np.float32)
            rng = self._rng(CALLS, epoch, index)
            images = self._checked(np.asarray(augment(images, rng)), images.shape)
        return place_channels(images)

    def _checked(self, changed: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if changed.shape != shape:
            raise ValueError(
                f"The augmentation {self.augment!r} made images of shape "
                f"{changed.shape} out of {shape}. It has to keep the shape."
            )
        return changed.astype(np.float32, copy=False)

    def _rng(self, stream: int, *numbers: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream, *numbers])

    def _order(self, epoch: int) -> np.ndarray:
        count = len(self.examples.labels)
        if not self.shuffle:
            return _range(count)
        order = _permutation(self.seed, epoch, count)
        repeats = getattr(self.augment, "repeats", 1)
        return order if repeats == 1 else np.repeat(order, repeats)[:count]

    def _alternating(self, epoch: int) -> np.ndarray:
        """Return the draw that flips an image, or does not, by turns."""
        flipped = _flipped(self.seed, len(self.examples.labels))
        return np.where(flipped ^ (epoch % 2 == 1), 0.0, 1.0)


# Batches of the next epoch are read ahead, so the orders of two epochs are in use.
@functools.lru_cache(maxsize=4)
def _permutation(seed: int, epoch: int, count: int) -> np.ndarray:
    return np.random.default_rng([seed, ORDER, epoch]).permutation(count)


@functools.lru_cache(maxsize=4)
def _flipped(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng([seed, FLIPS]).random(count) < 0.5


@functools.lru_cache(maxsize=4)
def _range(count: int) -> np.ndarray:
    return np.arange(count)


def _seed(layer: keras.layers.Layer, rng: np.random.Generator) -> None:
    """Set the random state of a layer, and of those inside it."""
    for variable in layer.variables:
        if variable.name == "seed_generator_state":
            variable.assign(rng.integers(0, 2**32, variable.shape, np.uint32))
