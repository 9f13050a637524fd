"""Integer inputs, such as the pixels of images."""

from typing import Any

import keras
from keras import ops


def as_floats(x: Any, dtype: str) -> Any:
    """Cast a tensor of integers or booleans; return a tensor of floats unchanged.

    Keras casts floats to a layer's compute dtype and leaves integers alone. Backends
    then cannot convolve or average them, or the values overflow at 255.

    Args:
        x: A tensor, or a list of tensors.
        dtype: The dtype for integers and booleans, that is the layer's compute dtype.
    """
    if isinstance(x, list | tuple):
        return type(x)(as_floats(one, dtype) for one in x)
    if keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype)):
        return x
    return ops.cast(x, dtype)
