"""What layers give on a set of images, whole or reduced to what is wanted of it."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.inspect.hooks.inputs import batches_of
from keras_cnnzoo.inspect.hooks.kept import kept, selection_key
from keras_cnnzoo.inspect.hooks.map_pass import MapPass
from keras_cnnzoo.inspect.hooks.reductions import (
    BY_NAME,
    EXTREMES,
    Histogram,
    Reduction,
    channel_axis,
)
from keras_cnnzoo.inspect.trace.call_names import Change
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
        images: An array of images, or a dictionary, list or tuple of arrays for a model
            of several inputs; or batches of them, as a dataset, a `PyDataset` or any
            iterable gives them, alone or as the first of a tuple `(x, y, ...)`.
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
    data = _Data(model, images, batch_size)
    if reduce is None:
        return _joined(map(_map_pass(model, layers), data))
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
        found = _reduced(model, layers, data, EXTREMES)
        ranges = {path: Histogram(reduction.bins, r) for path, r in found.items()}
        return _reduced(model, layers, data, ranges)
    return _reduced(model, layers, data, reduction)


class _Data:
    """Batches of images, as often as one goes through them."""

    def __init__(self, model: keras.Model, images: Any, batch_size: int) -> None:
        self._arguments = model, images, batch_size

    def __iter__(self) -> Iterator[Any]:
        return batches_of(*self._arguments)


def _map_pass(
    model: keras.Model,
    layers: Selection,
    reductions: Reduction | Mapping[str, Reduction] | None = None,
) -> MapPass:
    """Return a pass that hands out maps, or what a reduction makes of each."""
    key: Hashable = (
        tuple(sorted(reductions.items()))
        if isinstance(reductions, Mapping)
        else reductions
    )
    try:
        hash(key)
    except TypeError:  # a reduction of the user's own that is not kept
        key = object()
    return kept(
        model,
        ("activations", selection_key(layers), key),
        lambda: MapPass(model, find(model, layers), _change(model, reductions)),
    )


def _change(
    model: keras.Model, reductions: Reduction | Mapping[str, Reduction] | None
) -> Change | None:
    if reductions is None:
        return None
    form = data_format(model)

    def change(path: str, layer: keras.layers.Layer, maps: Any) -> Any:
        if not hasattr(maps, "shape"):
            raise ValueError(
                f"{path!r} gives several tensors, and `reduce` makes numbers of one. "
                "Choose layers that give one, or look at the outputs without `reduce`."
            )
        own = reductions[path] if isinstance(reductions, Mapping) else reductions
        return own.of_batch(maps, channel_axis(layer, maps, form))

    return change


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
    layers: Selection,
    data: Iterable[Any],
    reductions: Reduction | Mapping[str, Reduction],
) -> dict[str, Any]:
    """Reduce the maps of each path, by one reduction or by that of the path."""
    run = _map_pass(model, layers, reductions)

    def of(path: str) -> Reduction:
        return reductions[path] if isinstance(reductions, Mapping) else reductions

    joined: dict[str, Any] = {}
    images = 0
    for batch in data:
        for path, values in run(batch).items():
            joined[path] = of(path).join(joined.get(path), values, images)
        images += len(keras.tree.flatten(batch)[0])
    if not images:
        raise ValueError(_NO_IMAGES)
    return {path: of(path).result(found) for path, found in joined.items()}


_NO_IMAGES = "There are no images to look at: `images` is empty."
