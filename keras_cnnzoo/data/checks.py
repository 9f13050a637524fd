"""Check images and labels that the user passes."""

from typing import Any

import numpy as np

from keras_cnnzoo.data.examples import ArrayExamples
from keras_cnnzoo.data.targets import as_labels


def as_examples(
    images: Any, labels: Any, where: str, kind: str = "class"
) -> ArrayExamples:
    """Check arrays of images and labels, and make examples of them.

    Args:
        images: `(n, height, width)` or `(n, height, width, channels)`, 0 to 255.
        labels: A row for each image, as for `keras_cnnzoo.data.targets.as_labels`.
        where: The pair's name in messages.
        kind: What the labels are, as for `keras_cnnzoo.data.targets.Targets`.

    Raises:
        ValueError: The arrays are not images or labels, or differ in length.
    """
    pixels, rows = _images(np.asarray(images), where), as_labels(kind, labels, where)
    if len(pixels) != len(rows):
        raise ValueError(
            f"{where}: {len(pixels)} images and {len(rows)} labels; every image "
            "needs one."
        )
    return ArrayExamples(pixels, rows)


def _images(images: np.ndarray, where: str) -> np.ndarray:
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(
            f"{where}: expected images of shape (n, height, width) or (n, height, "
            f"width, channels), none of them 0. Received shape {images.shape}."
        )
    if images.shape[-1] > 4 >= images.shape[1]:
        raise ValueError(
            f"{where}: images of shape {images.shape} look like channels first. Give "
            "them channels last, images.transpose(0, 2, 3, 1); batches follow "
            "keras.config.image_data_format()."
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "iuf":
        raise ValueError(
            f"{where}: expected pixels as integers or floats from 0 to 255. Received "
            f"dtype {images.dtype}."
        )
    low, high = images.min(), images.max()
    if not (low >= 0 and high <= 255):
        raise ValueError(
            f"{where}: pixels are from 0 to 255. Received {low} to {high}"
            f"{'' if np.isfinite([low, high]).all() else ', which is not finite'}. "
            "Models normalise by themselves: give them the raw image."
        )
    if images.dtype.kind in "iu":
        return images.astype(np.uint8)
    if 0 < high <= 1:
        raise ValueError(
            f"{where}: floating pixels up to {high:.3g} look scaled to 0..1, and are "
            "expected in 0..255. Multiply them by 255."
        )
    return images.astype(np.float32)


def numbered(*label_arrays: np.ndarray) -> tuple[str, ...]:
    """Name classes, or the columns of rows, "0", "1" and so on, up to the last."""
    if label_arrays[0].ndim == 2:
        count = label_arrays[0].shape[1]
    else:
        count = 1 + max(int(labels.max()) for labels in label_arrays)
    return tuple(map(str, range(count)))
