"""The kernels that a convolution convolves with, as NumPy."""

import keras
import numpy as np


def kernels(layer: keras.layers.Layer) -> np.ndarray:
    """Return a layer's kernels, `(height, width, channels that one sees, filters)`.

    A layer that convolves with other numbers than it stores says so by a method
    `effective_kernel`.

    Raises:
        TypeError: The layer has none of height and width.

    Example:
        >>> conv = keras.layers.DepthwiseConv2D(3, depth_multiplier=2)
        >>> conv.build((None, 8, 8, 4))
        >>> kernels(conv).shape
        (3, 3, 1, 8)
    """
    if not has_kernels(layer):
        raise TypeError(
            f"{layer.name!r}, a {type(layer).__name__}, has no filters of height and "
            "width. Choose a 2D convolution that is built."
        )
    own = getattr(layer, "effective_kernel", None)
    kernel: np.ndarray = keras.ops.convert_to_numpy(own() if own else layer.kernel)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
    return kernel


def has_kernels(layer: keras.layers.Layer) -> bool:
    """Tell whether a layer is built and has kernels of height and width."""
    if hasattr(layer, "effective_kernel"):
        return bool(layer.built)
    return len(getattr(getattr(layer, "kernel", None), "shape", ())) == 4
