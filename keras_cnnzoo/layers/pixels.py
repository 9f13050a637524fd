"""Pixels that come as integers, which images do and feature maps do not."""

from typing import Any

import keras
from keras import ops


def as_floats(x: Any, dtype: str) -> Any:
    """Return a tensor of floats as it is, and one of integers or booleans cast.

    Keras casts floats to a layer's compute dtype and leaves integers alone. Backends
    then refuse to convolve or average them, or wrap around at 255.

    Args:
        x: A tensor, or a list of tensors.
        dtype: What integers are cast to: the layer's compute dtype.
    """
    if isinstance(x, list | tuple):
        return type(x)(as_floats(one, dtype) for one in x)
    if keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype)):
        return x
    return ops.cast(x, dtype)
