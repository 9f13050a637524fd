"""One image, and what a model says of many variations of it."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from keras_cnnzoo.inspect.attribution.maps import batch_length, batches
from keras_cnnzoo.inspect.attribution.model_at_map import ModelAtMap

#: From the numbers of variations to images, and to what is added to their maps.
Change = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]


def one_by_one(seen: ModelAtMap) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each image and what is wanted of it, as a row."""
    yield from zip(seen.images, seen.wanted, strict=True)


def copies(image: np.ndarray, count: int, batch_size: int) -> np.ndarray:
    """Return a batch of one image, as long as the batches of `count` variations.

    To compile for another length would take longer than to compute it that often.
    """
    return np.broadcast_to(image, (batch_length(count, batch_size), *image.shape))


def settle(wanted: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Return what is wanted, the top class of an answer where that was left open."""
    if wanted.any():
        return wanted
    return np.eye(len(answer), dtype="float32")[answer.argmax()]


def scores(
    seen: ModelAtMap, wanted: np.ndarray, change: Change, count: int, batch_size: int
) -> np.ndarray:
    """Return what the model gives a class for each of `count` variations."""
    answers = [
        seen.forward(*change(where))[0][:kept]
        for where, kept in batches(count, batch_size)
    ]
    return np.concatenate(answers).astype("float64") @ wanted


def mean_gradient(
    seen: ModelAtMap,
    wanted: np.ndarray,
    change: Change,
    weights: np.ndarray,
    batch_size: int,
) -> np.ndarray:
    """Return the weighted sum of the gradients at the variations, one per weight."""
    total = np.zeros(seen.map_shape)
    for where, kept in batches(len(weights), batch_size):
        images, added = change(where)
        rows = np.broadcast_to(wanted, (len(where), len(wanted)))
        *_, gradients = seen.gradient(images, rows, added)
        total += np.tensordot(weights[where[:kept]], gradients[:kept], 1)
    return total


def background(baseline: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return a baseline as one image, or map, of a shape.

    Raises:
        ValueError: It does not broadcast to the shape.
    """
    values = np.asarray(baseline, "float32")
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        raise ValueError(
            f"`baseline` is a number, or an array that broadcasts to {tuple(shape)}. "
            f"Received an array of shape {values.shape}."
        ) from None
