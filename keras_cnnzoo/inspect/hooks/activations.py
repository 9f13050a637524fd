"""What layers give on a set of images, whole or reduced to what is wanted of it."""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.inspect.hooks.reductions import (
    BY_NAME,
    Extremes,
    Histogram,
    Reduction,
    channel_axis,
)
from keras_cnnzoo.inspect.hooks.tap import Tap
from keras_cnnzoo.structure.paths import CONVOLUTION, Selection, find
from keras_cnnzoo.structure.shapes import data_format


def activations(
    model: keras.Model,
    images: Any,
    layers: Selection = CONVOLUTION,
    *,
    reduce: str | Reduction | None = None,
    batch_size: int = 32,
) -> dict[str, Any]:
    """Return what layers give on images, by path, in inference mode.

    With `reduce`, the maps of one batch are all that memory holds at a time; they are
    reduced on the device, inside the compiled pass.

    Args:
        model: Any Keras model: Functional, Sequential, nested or subclassed.
        images: An array of images, or a dictionary of arrays; or batches of them, as a
            dataset, a `PyDataset` or any iterable gives them, alone or as the first of
            a tuple `(x, y, ...)`.
        layers: Which layers, as `tap` takes them. By default all convolutions.
        reduce: None for the maps themselves. "mean" or "max" for one number a channel,
            over all images and positions. `TopK(k)` for the images that move each
            channel most, `Histogram(bins, range)` for how its values are distributed.
        batch_size: How many images at once, where they come as an array.

    Returns:
        `{path: array}`; with `TopK` a `TopImages(values, images)` for each path, with
        `Histogram` a `Counts(counts, edges)`. A layer that is called again appears as
        `path:1`, `path:2` and so on.

    Raises:
        ValueError: A part of `layers` matches nothing, there are no images, or
            `reduce` is not known.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(
        ...     2, 3, name="conv")])
        >>> images = np.random.default_rng(0).normal(size=(100, 8, 8, 1))
        >>> activations(model, images)["conv"].shape
        (100, 6, 6, 2)
        >>> activations(model, images, reduce="max")["conv"].shape
        (2,)
        >>> from keras_cnnzoo.inspect import TopK
        >>> activations(model, images, reduce=TopK(5))["conv"].images.shape
        (2, 5)
    """
    chosen = find(model, layers)
    if reduce is None:
        return _joined(map(Tap(model, chosen), _batches(images, batch_size)))
    reduction = BY_NAME.get(reduce) if isinstance(reduce, str) else reduce
    if not isinstance(reduction, Reduction):
        raise ValueError(
            f"`reduce` is None, one of {sorted(BY_NAME)}, a TopK or a Histogram. "
            f"Received: {reduce!r}"
        )
    if isinstance(reduction, Histogram) and reduction.range is None:
        if isinstance(images, Iterator):
            raise ValueError(
                "The range of a histogram is found in a pass of its own, and these "
                "images can be gone through only once. Pass `Histogram(bins, range)`, "
                "or the images as an array or a dataset."
            )
        found = _reduced(
            model, chosen, _batches(images, batch_size), lambda path: Extremes()
        )
        by_path = {path: Histogram(reduction.bins, r) for path, r in found.items()}
        return _reduced(
            model, chosen, _batches(images, batch_size), by_path.__getitem__
        )
    return _reduced(model, chosen, _batches(images, batch_size), lambda path: reduction)


def _batches(images: Any, size: int) -> Iterator[Any]:
    if size < 1:
        raise ValueError(f"`batch_size` is at least 1. Received: {size}")
    if hasattr(images, "shape") or isinstance(images, Mapping):
        count = max(map(len, keras.tree.flatten(images)), default=0)
        for start in range(0, count, size):
            cut = operator.itemgetter(slice(start, start + size))
            yield keras.tree.map_structure(cut, images)
        return
    if isinstance(images, keras.utils.PyDataset):
        images = map(images.__getitem__, range(images.num_batches))
    for batch in images:
        x = batch[0] if isinstance(batch, tuple | list) else batch
        # A dataset's tensors may be of another backend.
        yield x if keras.ops.is_tensor(x) else np.asarray(x)


def _joined(maps: Iterable[dict[str, Any]]) -> dict[str, Any]:
    every = list(maps)
    if not every:
        raise ValueError(_NO_IMAGES)
    if len(every) == 1:
        return every[0]
    # A layer's batches go as soon as they are joined.
    return {
        path: keras.tree.map_structure(
            lambda *parts: np.concatenate(parts), *(m.pop(path) for m in every)
        )
        for path in list(every[0])
    }


def _reduced(
    model: keras.Model,
    layers: dict[str, keras.layers.Layer],
    batches: Iterator[Any],
    reduction: Callable[[str], Reduction],
) -> dict[str, Any]:
    """Reduce the maps of each path as `reduction` has it for that path."""
    form = data_format(model)

    def change(path, layer, maps):
        return reduction(path).of_batch(maps, channel_axis(layer, maps, form))

    run = Tap(model, layers, change=change)
    joined: dict[str, Any] = {}
    images = 0
    for batch in batches:
        for path, values in run(batch).items():
            joined[path] = reduction(path).join(joined.get(path), values, images)
        images += len(keras.tree.flatten(batch)[0])
    if not images:
        raise ValueError(_NO_IMAGES)
    return {path: reduction(path).result(found) for path, found in joined.items()}


_NO_IMAGES = "There are no images to look at: `images` is empty."
