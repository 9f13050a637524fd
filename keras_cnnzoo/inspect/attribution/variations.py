"""Outputs and gradients of a model for many variations of one image."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from keras_cnnzoo.inspect.attribution.maps import batch_length, batches
from keras_cnnzoo.inspect.attribution.model_at_map import ModelAtMap

#: From the indices of variations to their images, and to the values that are added to
#: their feature maps (None to add nothing).
Change = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]


def one_by_one(seen: ModelAtMap) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each image with its row of `wanted`."""
    yield from zip(seen.images, seen.wanted, strict=True)


def copies(image: np.ndarray, count: int, batch_size: int) -> np.ndarray:
    """Repeat one image to the length of the batches for `count` variations.

    Compiling for another batch length would take longer than computing the copies.
    """
    return np.broadcast_to(image, (batch_length(count, batch_size), *image.shape))


def settle(wanted: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Return the row `wanted`, or the one-hot top class if it is all zeros."""
    if wanted.any():
        return wanted
    return np.eye(len(answer), dtype="float32")[answer.argmax()]


def scores(
    seen: ModelAtMap, wanted: np.ndarray, change: Change, count: int, batch_size: int
) -> np.ndarray:
    """Return the target's logit for each of `count` variations."""
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
    """Return the weighted sum of the gradients of the variations, one per weight."""
    total = np.zeros(seen.map_shape)
    for where, kept in batches(len(weights), batch_size):
        images, added = change(where)
        rows = np.broadcast_to(wanted, (len(where), len(wanted)))
        *_, gradients = seen.gradient(images, rows, added)
        total += np.tensordot(weights[where[:kept]], gradients[:kept], 1)
    return total


def background(baseline: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Broadcast a baseline to the shape of one image or feature map.

    Raises:
        ValueError: The baseline does not broadcast to the shape.
    """
    values = np.asarray(baseline, "float32")
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        raise ValueError(
            f"`baseline` is a number, or an array that broadcasts to {tuple(shape)}. "
            f"Received an array of shape {values.shape}."
        ) from None
