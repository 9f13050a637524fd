"""Read the next batches in threads, while the model computes."""

import os

import keras
import numpy as np

from keras_cnnzoo.data.batches import Batches


class _Steps:
    """The batches of all epochs in one sequence, up to a last one, for Grain."""

    def __init__(self, batches: Batches, last: int) -> None:
        self._batches, self._last = batches, last

    def __len__(self) -> int:
        return self._last

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        return self._batches.read(*divmod(step, self._batches.per_epoch))


class ReadAhead:
    """An iterator over batches, which Grain's threads read before they are asked for.

    Grain gets whole batches as elements, not single images: its shuffling, random
    numbers and batching take ten times as long, image by image, as a batch at once
    (`benchmarks/batches.py`, images of 32x32 pixels).

    Args:
        batches: The batches.
        step: The first batch, counted from the first one of epoch 0.
        last: Where to end.
    """

    def __init__(self, batches: Batches, step: int, last: int) -> None:
        import grain  # half a second, for reading ahead alone

        threads = threads_for(batches)
        options = grain.ReadOptions(
            num_threads=threads, prefetch_buffer_size=threads + 1
        )
        source = grain.MapDataset.source(_Steps(batches, last))
        self._iterator = iter(source.to_iter_dataset(options))
        self._process = os.getpid()
        #: The batch that comes next.
        self.step = 0
        self.seek(step)

    @property
    def is_alive(self) -> bool:
        """Whether the threads exist, which a process does not inherit by a fork."""
        return self._process == os.getpid()

    def seek(self, step: int) -> None:
        """Go on with another batch."""
        if step != self.step:
            self._iterator.set_state({"next_index": step})
            self.step = step

    def __next__(self) -> tuple[np.ndarray, np.ndarray]:
        batch: tuple[np.ndarray, np.ndarray] = next(self._iterator)
        self.step += 1
        return batch


def threads_for(batches: Batches) -> int:
    """Return how many threads read: one for each processor, if decoding is the work.

    NumPy and Keras hold Python's lock for most of an augmentation, and a Keras layer
    has one random state.
    """
    if batches.examples.ready or isinstance(batches.augment, keras.layers.Layer):
        return 1
    return os.cpu_count() or 1
