"""Check images and labels that the user passes."""

from typing import Any

import numpy as np

from keras_cnnzoo.data.examples import ArrayExamples


def as_examples(images: Any, labels: Any, where: str) -> ArrayExamples:
    """Check arrays of images and labels, and make examples of them.

    Args:
        images: `(n, height, width)` or `(n, height, width, channels)`, 0 to 255.
        labels: `(n,)` or `(n, 1)` whole numbers from 0.
        where: The pair's name in messages.

    Raises:
        ValueError: The arrays are not images or labels, or differ in length.
    """
    pixels, numbers = _images(np.asarray(images), where), np.asarray(labels)
    numbers = _labels(numbers, where)
    if len(pixels) != len(numbers):
        raise ValueError(
            f"{where}: {len(pixels)} images and {len(numbers)} labels; every image "
            "needs one."
        )
    return ArrayExamples(pixels, numbers)


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


def _labels(labels: np.ndarray, where: str) -> np.ndarray:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        hint = " Take labels.argmax(-1) of one-hot rows." if labels.ndim == 2 else ""
        raise ValueError(
            f"{where}: expected one whole number per image, shape (n,). Received "
            f"shape {labels.shape}.{hint}"
        )
    if labels.dtype.kind not in "iuf":
        raise ValueError(
            f"{where}: expected whole numbers as labels. Received dtype "
            f"{labels.dtype}; np.unique(labels, return_inverse=True) numbers names."
        )
    whole = np.isfinite(labels) & (labels == np.floor(labels)) & (labels >= 0)
    if not whole.all():
        first = int(np.flatnonzero(~whole)[0])
        raise ValueError(
            f"{where}: labels are whole numbers from 0. Label {first} is "
            f"{labels[first]}, one of {(~whole).sum()} that are not."
        )
    return labels.astype(np.int32)


def numbered(*label_arrays: np.ndarray) -> tuple[str, ...]:
    """Name the classes "0", "1" and so on, up to the largest label."""
    return tuple(map(str, range(1 + max(int(y.max()) for y in label_arrays))))
