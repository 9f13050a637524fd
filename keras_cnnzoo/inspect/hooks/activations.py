"""The outputs of layers for a set of images, whole or reduced to statistics."""

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
    """Return the outputs of layers for a set of images, by path, in inference mode.

    With `reduce`, only the feature maps of one batch are in memory at a time. They are
    reduced on the device, inside the compiled forward pass.

    Args:
        model: Any Keras model: Functional, Sequential, nested or subclassed.
        images: An array of images, or a dictionary, list or tuple of arrays for a model
            with several inputs. Or batches of these, from a dataset, a `PyDataset` or
            any iterable, alone or as the first item of a tuple `(x, y, ...)`.
        layers: The layers, as `tap` takes them. By default all convolutions.
        reduce: None returns the feature maps themselves. "mean" or "max" returns one
            value per channel, over all images and positions. `TopK(k)` finds the images
            that activate each channel most, `Histogram(bins, range)` counts the values
            of each channel.
        batch_size: The batch size, if `images` is an array.

    Returns:
        `{path: array}`. With `TopK`, each path has a `TopImages(values, images)`, with
        `Histogram` a `Counts(counts, edges)`. If a layer is called more than once, its
        further calls are at `path:1`, `path:2` and so on.

    Raises:
        ValueError: A part of `layers` matches nothing, there are no images, or
            `reduce` is unknown.

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
    """Batches of images that can be iterated several times."""

    def __init__(self, model: keras.Model, images: Any, batch_size: int) -> None:
        self._arguments = model, images, batch_size

    def __iter__(self) -> Iterator[Any]:
        return batches_of(*self._arguments)


def _map_pass(
    model: keras.Model,
    layers: Selection,
    reductions: Reduction | Mapping[str, Reduction] | None = None,
) -> MapPass:
    """Return a compiled forward pass to feature maps, or to their reductions."""
    key: Hashable = (
        tuple(sorted(reductions.items()))
        if isinstance(reductions, Mapping)
        else reductions
    )
    try:
        hash(key)
    except TypeError:  # an unhashable reduction of the user's: do not cache the pass
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
    # `pop` frees a layer's batches as soon as they are joined.
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
    """Reduce the feature maps of each path, with one reduction or one per path."""
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
