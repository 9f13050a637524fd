"""A set of labelled images for `fit`, whose order depends on seed and epoch alone."""

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.axes import image_shape
from keras_cnnzoo.data.ahead import ReadAhead
from keras_cnnzoo.data.batches import Augment, Batches, Mix
from keras_cnnzoo.data.examples import Examples
from keras_cnnzoo.data.share import Share

#: Batches that Keras may take on a trial, before the first epoch.
TRIAL = 2
#: The number of epochs in which a shuffled set's batches follow one another.
EPOCHS = 2**24


class ImageSet(keras.utils.PyDataset):
    """Labelled images in batches, for `fit`, `evaluate` and `predict`.

    A batch is a pair of images from 0 to 255, in the data format of
    `keras.config.image_data_format()`, and int32 labels. Images are uint8 where the
    source is and the augmentation leaves them so, else float32: a Functional or
    Sequential model casts them on its device, and a subclassed one should begin with
    a `Rescaling` layer. The last batch may be smaller.

    A batch depends only on `(seed, epoch, index)`, on every backend. So two runs with
    the same seed are equal. `fit(data.train)` takes the epochs one after another, in
    the set's own order, whatever Keras's `shuffle` is; `train[i]` and a loop over
    `train` read the current epoch and do not advance it. Pass `ordered()` to `evaluate`
    and `predict`, which would go through an epoch as `fit` does.

    While the model computes, Grain's threads read the next batches, as many as there
    are processors. Leave Keras's own `workers` at 1: in Keras 3.15 they carry batches
    over into the next epoch on JAX and PyTorch.

    Args:
        examples: The images and labels.
        batch_size: Images in a batch.
        shuffle: Whether every epoch has a new order.
        augment: The augmentation, or None. See `keras_cnnzoo.data.load`.
        mix: What is done to a batch after the augmentation, or None. See
            `keras_cnnzoo.data.load`.
        seed: Seed of the order and the augmentation, at least 0.
        sizes: Height and width of the images in each epoch, in pixels; the last one
            holds for all epochs after it. Empty for that of the examples. The examples
            must be adapted with `once=False`.
    """

    def __init__(
        self,
        examples: Examples,
        *,
        batch_size: int = 32,
        shuffle: bool = False,
        augment: Augment | None = None,
        mix: Mix | None = None,
        seed: int = 0,
        sizes: Sequence[tuple[int, int]] = (),
    ) -> None:
        super().__init__()
        self.batches = Batches(
            examples=examples,
            batch_size=batch_size,
            shuffle=shuffle,
            augment=augment,
            mix=mix,
            seed=seed,
            sizes=sizes,
        )
        #: Batches taken since the first one of epoch 0, and where this set begins.
        self._step = self._start = 0
        #: Where Keras's present pass over the set began; None between passes.
        self._began: int | None = None
        #: Where no trial is to be expected, since it was made or left out.
        self._tried: int | None = None
        self._ahead: ReadAhead | None = None
        #: The number in its epoch of the batch that was taken last.
        self._taken = 0

    def __len__(self) -> int:
        return self.batches.per_epoch - self._start % self.batches.per_epoch

    def __repr__(self) -> str:
        return (
            f"<ImageSet of {self.num_examples:,} images {self.image_shape} in "
            f"{len(self):,} batches of {self.batches.batch_size}, epoch {self.epoch}>"
        )

    @property
    def epoch(self) -> int:
        """The current epoch, counted from 0; set it to go on with another."""
        return self._step // self.batches.per_epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._step = epoch * self.batches.per_epoch

    @property
    def examples(self) -> Examples:
        """The images and labels, in their original order."""
        return self.batches.examples

    @property
    def num_examples(self) -> int:
        return len(self.examples.labels)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image of the current epoch, in the data format of models."""
        shape = self.batches.sized(self.epoch).shape
        height, width, channels = map(int, shape)  # type: ignore[arg-type]
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
        return ImageSet(self.examples, batch_size=self.batches.batch_size)

    def rest(self, epoch: int, start: int) -> "ImageSet":
        """Return the batches of an epoch from number `start` on, to resume it.

        Args:
            epoch: The epoch, counted from 0.
            start: Number of its batches that were taken already.
        """
        rest = copy.copy(self)
        rest._ahead = rest._began = None
        rest._start = rest._step = epoch * self.batches.per_epoch + start
        return rest

    def shared(self, share: Share) -> "ImageSet":
        """Return the same batches, of which one of several processes reads a part.

        Args:
            share: The part of each batch.
        """
        shared = copy.copy(self)
        shared._ahead = shared._began = shared._tried = None
        shared.batches = dataclasses.replace(self.batches, share=share)
        return shared

    @property
    def is_whole(self) -> bool:
        """Whether the batch that was taken last is the same in every process."""
        share, count = self.batches.share, self.batches.size(self._taken)
        return share is None or share.is_whole(count)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all images and labels in two arrays. For small sets."""
        plain = self.ordered()
        return np.concatenate([images for images, _ in plain]), self.labels()

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if not 0 <= index < len(self):
            raise IndexError(f"Batch {index} of {len(self)}.")
        first = self.batches.per_epoch - len(self)
        if self._began is None:
            return self.batches.read(self.epoch, first + index)
        if not self.batches.shuffle:
            self._step = self.epoch * self.batches.per_epoch + first + index
        batch = self._read(self._step)
        self._taken = self._step % self.batches.per_epoch
        self._step += 1
        return batch

    def _read(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Read a batch, and let the threads read those after it."""
        if self._ahead is None and not self.batches.are_cheap:
            epochs = EPOCHS if self.batches.shuffle else self.epoch + 1
            last = epochs * self.batches.per_epoch
            self._ahead = ReadAhead(self.batches, step, last)
        if self._ahead is None or not self._ahead.is_alive:
            return self.batches.read(*divmod(step, self.batches.per_epoch))
        self._ahead.seek(step)
        return next(self._ahead)

    def on_epoch_begin(self) -> None:
        self._began = self._step

    def on_epoch_end(self) -> None:
        if self._began is None:  # `fit` starts, and made no trial
            self._tried = self._step
        elif self._was_trial(self._began):
            self._tried = self._step = self._began
        self._began = None
        if not self.batches.shuffle:
            self._ahead = None

    def _was_trial(self, began: int) -> bool:
        """Tell whether Keras took the first batches only to learn their form.

        On JAX and PyTorch, `fit` does so once after `compile`, and begins anew.
        """
        if keras.backend.backend() == "tensorflow" or began == self._tried:
            return False
        is_first = began == self._start or began % self.batches.per_epoch == 0
        few = min(TRIAL + 1, len(self) + (began == self._start))
        return is_first and self._step - began < few

    def __getstate__(self) -> dict[str, Any]:
        # Threads stay in their process.
        return {**self.__dict__, "_ahead": None}
