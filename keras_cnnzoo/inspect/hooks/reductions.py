"""What to keep of a layer's maps over a set of images that does not fit in memory."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_cnnzoo import axes


class TopImages(NamedTuple):
    """The images that move each channel most, the strongest first.

    Both are `(channels, k)`: how strongly, and the images' positions in the set.
    """

    values: np.ndarray
    images: np.ndarray


class Counts(NamedTuple):
    """Histograms of a layer's channels, `(channels, bins)`, and their common edges."""

    counts: np.ndarray
    edges: np.ndarray


class Reduction(ABC):
    """How the maps of one layer become few numbers: batch by batch, then joined."""

    @abstractmethod
    def of_batch(self, maps: Any, axis: int) -> Any:
        """Reduce a batch of maps on the device; `axis` is that of the channels."""

    @abstractmethod
    def join(self, so_far: Any, batch: np.ndarray, first: int) -> Any:
        """Add what is left of a batch, whose first image is the `first` of the set.

        `so_far` is None at the start.
        """

    def result(self, joined: Any) -> Any:
        """Return what the user gets."""
        return joined


class Mean(Reduction):
    """The mean of each channel over all images and positions."""

    def of_batch(self, maps: Any, axis: int) -> Any:
        return _of_each_image(ops.mean, ops.cast(maps, "float32"), axis)

    def join(self, so_far: Any, batch: np.ndarray, first: int) -> Any:
        total, images = so_far or (0.0, 0)
        # A sum in float32 stops growing at some point.
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
    """Find, for each channel, the images that it reacts to most.

    Args:
        k: How many images.
        by: What an image is ranked by: the "max" of its map, or the "mean".

    Raises:
        ValueError: `k` is less than 1, or `by` is neither.
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
        # Of equals, the one that came first.
        best = np.argsort(-values, axis=1, kind="stable")[:, : self.k]
        return TopImages(*(np.take_along_axis(a, best, 1) for a in (values, images)))


@dataclass(frozen=True)
class Histogram(Reduction):
    """Count how often the values of each channel fall into bins of equal width.

    As `numpy.histogram`: a bin holds its left edge, the last one its right edge too,
    and what lies outside is not counted.

    Args:
        bins: How many.
        range: The smallest and the largest edge. None takes the extremes of each
            layer, found in a pass of its own over the images.

    Raises:
        ValueError: There is no bin, or `range` is not an increasing pair.
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
        # Each channel has its own bins, and all share one that is thrown away.
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
        # As numpy.histogram has it where all values are the same.
        return (low, high) if low < high else (low - 0.5, high + 0.5)


EXTREMES = Extremes()
#: What `reduce` may be by name.
BY_NAME: dict[str, Reduction] = {"mean": Mean(), "max": Max()}


def channel_axis(layer: keras.layers.Layer, maps: Any, form: str) -> int:
    """Return the axis of the channels in what a layer of a model of `form` gives."""
    form = getattr(layer, "data_format", None) or form
    return axes.channel_axis(form) if len(maps.shape) > 2 else -1


def _of_each_image(reduce: Callable[..., Any], maps: Any, axis: int) -> Any:
    """Reduce over all positions, to `(batch, channels)`."""
    rank = len(maps.shape)
    positions = tuple(a for a in range(1, rank) if a != axis % rank)
    return reduce(maps, positions) if positions else maps
