"""Convert a model's preprocessed input images to pictures that can be shown."""

from typing import Any

import numpy as np


def as_picture(image: Any) -> np.ndarray:
    """Convert an image to uint8, greyscale or RGB.

    Values in 0..1 are multiplied by 255, and other values in 0..255 stay the same. Any
    other range is scaled to 0..255. Of more than three channels, the first three are
    shown; of two, their mean.

    Args:
        image: `(height, width)`, `(height, width, channels)`, or a batch of one image.

    Raises:
        ValueError: `image` is not a single image.

    Example:
        >>> as_picture(np.array([[[-1.0], [1.0]]])).ravel().tolist()
        [0, 255]
    """
    pixels = np.nan_to_num(np.asarray(image, "float64"))
    if pixels.ndim == 4 and len(pixels) == 1:
        pixels = pixels[0]
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3:
        raise ValueError(
            "One image is (height, width) or (height, width, channels). Received an "
            f"array of shape {np.shape(image)}."
        )
    low, high = pixels.min(), pixels.max()
    if low < 0 or high > 255:
        pixels = (pixels - low) * (255 / max(high - low, 1e-12))
    elif high <= 1:
        pixels = pixels * 255
    if pixels.shape[-1] == 2:
        pixels = pixels.mean(axis=-1, keepdims=True)
    whole = np.rint(pixels[..., :3]).astype("uint8")
    return whole[..., 0] if whole.shape[-1] == 1 else whole


def brighten(values: np.ndarray, share: float = 0.005) -> np.ndarray:
    """Scale an attribution in 0..1 so that its highest pixels are clipped to 1.

    Otherwise, a single outlier would leave all other pixels too dark to see.

    Args:
        values: `(height, width)`.
        share: The share of pixels that are clipped.
    """
    bound = np.quantile(values, 1 - share)
    return np.clip(values / bound, 0, 1) if bound > 0 else values
