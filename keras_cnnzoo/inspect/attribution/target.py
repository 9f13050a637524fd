"""The class that an attribution explains."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

#: One class for all images, one class per image, or None for each image's top class.
Target: TypeAlias = int | Sequence[int] | np.ndarray | None


def one_hot(target: Target, images: int, classes: int) -> np.ndarray:
    """Return a one-hot row per image, or rows of zeros if the target is None.

    Raises:
        TypeError: The target is not an integer or several.
        ValueError: A class is not in `0..classes - 1`, or the number of classes is not
            the number of images.

    Example:
        >>> one_hot([2, 0], images=2, classes=3)
        array([[0., 0., 1.],
               [1., 0., 0.]], dtype=float32)
    """
    rows = np.zeros((images, classes), "float32")
    if target is None:
        return rows
    chosen = np.asarray(target)
    if not np.issubdtype(chosen.dtype, np.integer):
        raise TypeError(
            "`target` is a class's number, one number per image, or None for each "
            f"image's own top class. Received: {target!r}"
        )
    if chosen.shape not in ((), (images,)):
        raise ValueError(
            f"`target` is one number, or one for each of the {images} images. "
            f"Received an array of shape {chosen.shape}."
        )
    if chosen.min(initial=0) < 0 or chosen.max(initial=0) >= classes:
        raise ValueError(
            f"`target` is in 0..{classes - 1}: the model answers with {classes} "
            f"numbers. Received: {target!r}"
        )
    rows[np.arange(images), chosen] = 1
    return rows
