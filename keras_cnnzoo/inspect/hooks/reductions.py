"""Reduce a layer's feature maps over a set of images, batch by batch, to statistics."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_cnnzoo import axes


class TopImages(NamedTuple):
    """The images that activate each channel most, the strongest first.

    Attributes:
        values: The activations, `(channels, k)`.
        images: The images' indices in the set, `(channels, k)`.
    """

    values: np.ndarray
    images: np.ndarray


class Counts(NamedTuple):
    """Histograms of a layer's channels, `(channels, bins)`, with shared bin edges."""

    counts: np.ndarray
    edges: np.ndarray


class Reduction(ABC):
    """A reduction of one layer's feature maps: batch by batch, then joined."""

    @abstractmethod
    def of_batch(self, maps: Any, axis: int) -> Any:
        """Reduce a batch of feature maps on the device; `axis` is the channel axis."""

    @abstractmethod
    def join(self, so_far: Any, batch: np.ndarray, first: int) -> Any:
        """Add the result of `of_batch` for a batch to the joined results so far.

        `first` is the index of the batch's first image in the set. `so_far` is None for
        the first batch.
        """

    def result(self, joined: Any) -> Any:
        """Convert the joined results to what the user gets."""
        return joined


class Mean(Reduction):
    """The mean of each channel over all images and positions."""

    def of_batch(self, maps: Any, axis: int) -> Any:
        return _of_each_image(ops.mean, ops.cast(maps, "float32"), axis)

    def join(self, so_far: Any, batch: np.ndarray, first: int) -> Any:
        total, images = so_far or (0.0, 0)
        # Sum in float64, since small terms get lost in a large float32 sum.
        return total + batch.sum(0, dtype="float64"), images + len(batch)

    def result(self, joined: Any) -> Any:
        total, images = joined
        return (total / images).astype("float32")


class Max(Reduction):
    """The largest value of each channel over all images and positions."""

    def of_batch(self, maps: Any, axis: int) -> Any:
        return ops.max(_of_each_image(ops.max, maps, axis), 0)

    def join(self, so_far: Any, batch: np.ndarray, first: int) -> Any:
        return batch if so_far is None else np.maximum(so_far, batch)


@dataclass(frozen=True)
class TopK(Reduction):
    """Find, for each channel, the images that activate it most.

    Args:
        k: The number of images.
        by: Whether images are ranked by the "max" or the "mean" of the feature map.

    Raises:
        ValueError: `k` is less than 1, or `by` is neither "max" nor "mean".
    """

    k: int = 9
    by: Literal["max", "mean"] = "max"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"`k` is at least 1. Received: {self.k}")
        if self.by not in ("max", "mean"):
            raise ValueError(f"`by` is 'max' or 'mean'. Received: {self.by!r}")

    def of_batch(self, maps: Any, axis: int) -> Any:
        score = ops.max if self.by == "max" else ops.mean
        return _of_each_image(score, ops.cast(maps, "float32"), axis)

    def join(self, so_far: Any, batch: np.ndarray, first: int) -> Any:
        values = batch.T
        images = np.broadcast_to(np.arange(first, first + len(batch)), values.shape)
        if so_far is not None:
            values = np.concatenate([so_far.values, values], 1)
            images = np.concatenate([so_far.images, images], 1)
        # The stable sort ranks the earlier of two equal images first.
        best = np.argsort(-values, axis=1, kind="stable")[:, : self.k]
        return TopImages(*(np.take_along_axis(a, best, 1) for a in (values, images)))


@dataclass(frozen=True)
class Histogram(Reduction):
    """Count how often the values of each channel fall into bins of equal width.

    As in `numpy.histogram`, a bin includes its left edge, and the last bin also its
    right edge. Values outside the range are not counted.

    Args:
        bins: The number of bins.
        range: The smallest and the largest edge. None uses each layer's smallest and
            largest value, which takes a second pass over the images.

    Raises:
        ValueError: `bins` is less than 1, or `range` is not an increasing pair.
    """

    bins: int = 50
    range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.bins < 1:
            raise ValueError(f"`bins` is at least 1. Received: {self.bins}")
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(
                f"`range` is a smaller and a larger number. Received: {self.range}"
            )

    @property
    def edges(self) -> np.ndarray:
        """The edges of the bins, once `range` is known."""
        assert self.range is not None
        return np.linspace(*self.range, self.bins + 1, dtype="float32")

    def of_batch(self, maps: Any, axis: int) -> Any:
        x = ops.moveaxis(ops.cast(maps, "float32"), axis, -1)
        channels, edges = x.shape[-1], ops.convert_to_tensor(self.edges)
        x = ops.reshape(x, (-1, channels))
        found = ops.searchsorted(edges, ops.ravel(x), side="right") - 1
        found = ops.reshape(found, ops.shape(x))
        found = ops.where(x == edges[-1], self.bins - 1, found)
        inside = (found >= 0) & (found < self.bins)
        # Each channel has its own bins. Values outside the range go to one extra bin,
        # which is dropped.
        slots = found + self.bins * ops.arange(channels, dtype=found.dtype)
        slots = ops.where(inside, slots, self.bins * channels)
        counts = ops.segment_sum(
            ops.ones_like(ops.ravel(slots)), ops.ravel(slots), self.bins * channels + 1
        )
        return ops.reshape(counts[:-1], (channels, self.bins))

    def join(self, so_far: Any, batch: np.ndarray, first: int) -> Any:
        batch = batch.astype("int64")
        return batch if so_far is None else so_far + batch

    def result(self, joined: Any) -> Any:
        return Counts(joined, self.edges)


class Extremes(Reduction):
    """The smallest and the largest value of a layer."""

    def of_batch(self, maps: Any, axis: int) -> Any:
        return ops.stack([ops.min(maps), ops.max(maps)])

    def join(self, so_far: Any, batch: np.ndarray, first: int) -> Any:
        if so_far is None:
            return batch
        return np.array([min(so_far[0], batch[0]), max(so_far[1], batch[1])])

    def result(self, joined: Any) -> Any:
        low, high = joined.astype("float64")
        # If all values are the same, use the range that `numpy.histogram` uses.
        return (low, high) if low < high else (low - 0.5, high + 0.5)


EXTREMES = Extremes()
#: Reductions that `reduce` accepts by name.
BY_NAME: dict[str, Reduction] = {"mean": Mean(), "max": Max()}


def channel_axis(layer: keras.layers.Layer, maps: Any, form: str) -> int:
    """Return a layer output's channel axis; `form` is the model's data format."""
    form = getattr(layer, "data_format", None) or form
    return axes.channel_axis(form) if len(maps.shape) > 2 else -1


def _of_each_image(reduce: Callable[..., Any], maps: Any, axis: int) -> Any:
    """Reduce over all positions, to the shape `(batch, channels)`."""
    rank = len(maps.shape)
    positions = tuple(a for a in range(1, rank) if a != axis % rank)
    return reduce(maps, positions) if positions else maps
