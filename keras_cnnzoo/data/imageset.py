"""Batches of images for `fit`, in an order that depends only on seed and epoch."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.axes import image_shape, place_channels
from keras_cnnzoo.data.augment import Augmentation
from keras_cnnzoo.data.examples import Examples

Augment = Augmentation | Callable[..., Any]

# The independent streams of random numbers of one epoch.
ORDER, DRAWS, CALLS = range(3)


class ImageSet(keras.utils.PyDataset):
    """Labelled images in batches, for `fit`, `evaluate` and `predict`.

    A batch is a pair of float32 images from 0 to 255, in the data format of
    `keras.config.image_data_format()`, and int32 labels. The last batch may be smaller.
    The images of a batch and their augmentation depend only on `(seed, epoch, batch)`,
    on every backend, unless `augment` is a Keras layer, which draws its own random
    numbers. So two runs with the same seed are equal, and an interrupted run is resumed
    by setting `epoch`.

    `fit` goes through an epoch and then calls `on_epoch_end`, which advances `epoch`.
    Call `fit` with `shuffle=False`: the order already changes in every epoch, and
    `shuffle=True`, Keras's default, also permutes the batches with Python's global
    random numbers. Pass `ordered()` to `evaluate` and `predict`, because they would
    advance `epoch` too. Leave `workers` at 1: the images of a batch are already decoded
    by threads, and Keras's own workers (3.15) carry batches over into the next epoch on
    JAX and PyTorch.

    Args:
        examples: The images and labels.
        batch_size: Images in a batch.
        shuffle: Whether every epoch has a new order.
        augment: The augmentation, or None. See `keras_cnnzoo.data.load`.
        seed: Seed of the order and the augmentation, at least 0.
    """

    def __init__(
        self,
        examples: Examples,
        *,
        batch_size: int = 32,
        shuffle: bool = False,
        augment: Augment | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.examples = examples
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = augment
        self.seed = seed
        #: The current epoch, counted from 0; set it to resume a run.
        self.epoch = 0
        self._randomness: tuple[int, np.ndarray, np.ndarray | None] | None = None
        self._began = False
        self._served: set[int] = set()

    def __len__(self) -> int:
        return math.ceil(self.num_examples / self.batch_size)

    def __repr__(self) -> str:
        return (
            f"<ImageSet of {self.num_examples:,} images {self.image_shape} in "
            f"{len(self):,} batches of {self.batch_size}, epoch {self.epoch}>"
        )

    @property
    def num_examples(self) -> int:
        return len(self.examples.labels)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image, in the data format of models."""
        height, width, channels = map(int, self.examples.shape)  # type: ignore[arg-type]
        return image_shape((height, width, channels))

    @property
    def failed(self) -> dict[str, str]:
        """Files that could not be decoded, each with the reason."""
        return dict(self.examples.failed)

    def labels(self) -> np.ndarray:
        """Return the labels in the order of `ordered()`."""
        return self.examples.labels.copy()

    def ordered(self) -> "ImageSet":
        """Return the same examples in their original order, without augmentation.

        Predictions for it have the same order as `labels()`.
        """
        return ImageSet(self.examples, batch_size=self.batch_size)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all images and labels in two arrays. For small sets."""
        plain = self.ordered()
        return np.concatenate([images for images, _ in plain]), self.labels()

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if not 0 <= index < len(self):
            raise IndexError(f"Batch {index} of {len(self)}.")
        order, draws = self._epoch_randomness()
        chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        images = self._augmented(index, chosen, draws)
        self._served.add(index)
        return images, self.examples.labels[chosen]

    def _augmented(
        self, index: int, chosen: np.ndarray, draws: np.ndarray | None
    ) -> np.ndarray:
        augment = self.augment
        if isinstance(augment, Augmentation) and draws is not None:
            own = draws[chosen]
            images = self.examples.images(chosen, augment.window(own))
            return place_channels(augment.apply(images.astype(np.float32), own))
        images = self.examples.images(chosen).astype(np.float32)
        if isinstance(augment, keras.layers.Layer):
            # A layer expects the data format of Keras's configuration.
            images = place_channels(images)
            changed = keras.ops.convert_to_numpy(augment(images, training=True))
            return self._checked(changed, images.shape)
        if callable(augment):
            rng = np.random.default_rng([self.seed, self.epoch, CALLS, index])
            images = self._checked(np.asarray(augment(images, rng)), images.shape)
        return place_channels(images)

    def _checked(self, changed: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if changed.shape != shape:
            raise ValueError(
                f"The augmentation {self.augment!r} made images of shape "
                f"{changed.shape} out of {shape}. It has to keep the shape."
            )
        return changed.astype(np.float32, copy=False)

    def _epoch_randomness(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return an epoch's order, and the random numbers for its augmentation."""
        kept = self._randomness
        if kept is None or kept[0] != self.epoch:
            epoch, order, draws = self.epoch, np.arange(self.num_examples), None
            if self.shuffle:
                order = np.random.default_rng([self.seed, epoch, ORDER]).permutation(
                    self.num_examples
                )
            if isinstance(self.augment, Augmentation):
                rng = np.random.default_rng([self.seed, epoch, DRAWS])
                draws = self.augment.draw(rng, self.num_examples)
            kept = self._randomness = (epoch, order, draws)
        return kept[1:]

    def on_epoch_begin(self) -> None:
        self._began = True

    def on_epoch_end(self) -> None:
        # Keras also calls this before the first epoch, after it has taken a batch or
        # two. So an epoch is over only if it began and all its batches were taken.
        if self._began and len(self._served) == len(self):
            self.epoch += 1
            self._served.clear()
