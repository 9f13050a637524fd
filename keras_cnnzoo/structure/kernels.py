"""The kernels of a convolution, as NumPy arrays."""

import keras
import numpy as np


def kernels(layer: keras.layers.Layer) -> np.ndarray:
    """Return a layer's kernels, `(height, width, input channels per filter, filters)`.

    If a layer has a method `effective_kernel`, its result is returned: such a layer
    convolves with other values than it stores.

    Raises:
        TypeError: The layer has no kernels with a height and a width.

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
    """Return whether a layer is built and has kernels with a height and a width."""
    if hasattr(layer, "effective_kernel"):
        return bool(layer.built)
    return len(getattr(getattr(layer, "kernel", None), "shape", ())) == 4
