"""Have a model compute in float32 for a while, whatever its dtype policy."""

import contextlib
from collections.abc import Iterator

import keras

from keras_cnnzoo.structure.walk import sublayers

_HALVES = ("float16", "bfloat16")


@contextlib.contextmanager
def full_precision(model: keras.layers.Layer) -> Iterator[None]:
    """Within the context, layers that compute in half precision compute in float32.

    Their weights stay as they are. What was compiled before is not changed; compile
    inside the context. Quantized layers are left alone, and so are those whose policy
    is a map of policies.

    Example:
        >>> layer = keras.layers.Dense(2, dtype="mixed_float16")
        >>> x = keras.ops.ones((1, 1))
        >>> with full_precision(layer):
        ...     y = layer(x)
        >>> keras.backend.standardize_dtype(y.dtype), layer.compute_dtype
        ('float32', 'float16')
    """
    layers: list[keras.layers.Layer] = sublayers(model)
    before = {
        layer: layer.dtype_policy
        for layer in layers
        if layer.compute_dtype in _HALVES
        and layer.quantization_mode is None
        and not isinstance(layer.dtype_policy, keras.dtype_policies.DTypePolicyMap)
    }
    try:
        for layer in before:
            layer.dtype_policy = "float32"
        yield
    finally:
        for layer, policy in before.items():
            layer.dtype_policy = policy
