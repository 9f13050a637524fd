"""Features of a data set, computed once, in memory or in a temporary file."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Any

import keras
import numpy as np

from keras_cnnzoo.internals.mending import mended


class FeatureStore:
    """Batches of features, labels and, if there are any, sample weights.

    What exceeds `memory` is written to a temporary file, which is deleted with the
    store.

    Args:
        memory: Bytes of features to keep in memory.
    """

    def __init__(self, memory: float) -> None:
        self.memory = memory
        self.batch_size = 0
        self._structure: Any = None
        self._columns: list[_Column] = []

    def add(self, features: Any, *others: Any) -> None:
        """Append a batch."""
        batch = (features, *others)
        arrays = [np.asarray(leaf) for leaf in keras.tree.flatten(batch)]
        if self._structure is None:
            self._structure = keras.tree.map_structure(lambda _: 0, batch)
            self._columns = [_Column() for _ in arrays]
            self.batch_size = len(arrays[0])
        for column, array in zip(self._columns, arrays, strict=True):
            column.add(array)
        if sum(column.in_memory for column in self._columns) > self.memory:
            for column in self._columns:
                column.spill()

    def __len__(self) -> int:
        """Return the number of samples."""
        return self._columns[0].count if self._columns else 0

    def finish(self) -> None:
        """Make the samples readable; no batch can be added any more."""
        self._arrays = [column.array() for column in self._columns]

    def take(self, places: np.ndarray | slice) -> tuple[Any, ...]:
        """Return a batch of the samples at these places."""
        arrays = [np.asarray(array[places]) for array in self._arrays]
        batch: tuple[Any, ...] = keras.tree.pack_sequence_as(self._structure, arrays)
        return batch


class _Column:
    """One array of a store, as a list of batches and a file of those before them."""

    def __init__(self) -> None:
        self.count = 0
        self.in_memory = 0
        self.file: IO[bytes] | None = None
        self._batches: list[np.ndarray] = []

    def add(self, batch: np.ndarray) -> None:
        self._batches.append(batch)
        self.count += len(batch)
        self.in_memory += batch.nbytes

    def spill(self) -> None:
        if self.file is None:
            # Unnamed, so that it is gone however the process ends.
            self.file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as self
        for batch in self._batches:
            self.file.write(np.ascontiguousarray(batch).tobytes())
        self._last = self._batches[-1]
        self._batches, self.in_memory = [], 0

    def array(self) -> np.ndarray:
        if self.file is None:
            return np.concatenate(self._batches)
        if self._batches:
            self.spill()
        self.file.flush()
        shape = (self.count, *self._last.shape[1:])
        # Copied when written to, which never happens, because PyTorch warns of "r".
        return np.memmap(self.file, self._last.dtype, "c", shape=shape)


def compute_features(
    features: keras.Model,
    data: Any,
    *,
    memory: float,
    batch_size: int | None = None,
    passes: int = 1,
) -> FeatureStore:
    """Run a model once over data, in inference mode, and store what it returns.

    Args:
        features: The model.
        data: Batches `(images, labels)` or `(images, labels, sample weights)`: a data
            set that `fit` takes, or a tuple of arrays.
        memory: Bytes to keep in memory.
        batch_size: Images in a batch, for arrays.
        passes: Number of passes over the data.

    Raises:
        ValueError: The data are empty, or have no labels.
    """
    store = FeatureStore(memory)
    with mended(features):
        for _ in range(passes):
            for batch in _batches(data, batch_size or 32):
                images, *others = keras.tree.map_structure(_as_array, tuple(batch))
                if not others:
                    raise ValueError("The data have no labels to train a head on.")
                store.add(_answers(features, images, store.batch_size), *others)
    if not len(store):
        raise ValueError("The data have no images.")
    store.finish()
    return store


def _batches(data: Any, batch_size: int) -> Iterator[Sequence[Any]]:
    """Yield the batches of one epoch."""
    if isinstance(data, tuple):
        count = len(keras.tree.flatten(data)[0])
        for start in range(0, count, batch_size):
            part = slice(start, start + batch_size)
            yield keras.tree.map_structure(lambda array, p=part: array[p], data)
        return
    # As `fit` does; the set may draw other random numbers in its next epoch.
    hooks = isinstance(data, keras.utils.PyDataset)
    if hooks:
        data.on_epoch_begin()
    yield from data
    if hooks:
        data.on_epoch_end()


def _answers(features: keras.Model, images: Any, size: int) -> Any:
    """Return the features of a batch; a small last one costs no second compilation."""
    count = len(keras.tree.flatten(images)[0])
    filled = keras.tree.map_structure(
        lambda array: np.concatenate([array, *[array[:1]] * (size - count)]), images
    )
    answers = features.predict_on_batch(filled)
    return keras.tree.map_structure(lambda array: array[:count], answers)


def _as_array(leaf: Any) -> np.ndarray:
    if keras.ops.is_tensor(leaf):  # perhaps on another device
        leaf = keras.ops.convert_to_numpy(leaf)
    return np.asarray(leaf)


class FeatureSet(keras.utils.PyDataset):
    """Batches of a store for all epochs of a training, one epoch after the other.

    Batch `i` is batch `i % steps` of epoch `i // steps`: what it holds depends on
    `(seed, i)` alone. So `fit` takes it with `steps_per_epoch=steps`, which makes Keras
    go on where the last epoch ended.

    Args:
        store: The features.
        batch_size: Samples in a batch.
        epochs: Number of epochs.
        passes: Number of passes over the data in the store, which take turns.
        seed: Seed of the order; None keeps that of the store.
    """

    def __init__(
        self,
        store: FeatureStore,
        batch_size: int,
        *,
        epochs: int = 1,
        passes: int = 1,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.store, self.batch_size, self.seed = store, batch_size, seed
        self.passes = passes
        self.count = len(store) // passes
        self.steps = math.ceil(self.count / batch_size)
        self.epochs = epochs
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0))

    def __len__(self) -> int:
        return self.steps * self.epochs

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        epoch, step = divmod(index, self.steps)
        first = epoch % self.passes * self.count
        part = slice(step * self.batch_size, (step + 1) * self.batch_size)
        if self.seed is None:
            end = min(part.stop, self.count)
            return self.store.take(slice(first + part.start, first + end))
        kept, order = self._order
        if kept != epoch:
            order = np.random.default_rng([self.seed, epoch]).permutation(self.count)
            self._order = (epoch, order)
        return self.store.take(first + order[part])
