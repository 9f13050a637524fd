"""Have layers compute in float32 temporarily, whatever their dtype policies."""

import contextlib
from collections.abc import Iterator

import keras

from keras_cnnzoo.internals.calls import call_instead

_HALVES = ("float16", "bfloat16")


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Within the context, layers that compute in half precision compute in float32.

    The layers themselves do not change: a copy that shares the layer's weights is
    called in its place, and only in this thread. A compiled function must be traced
    inside the context. Quantized layers, and layers whose policy is a
    `DTypePolicyMap`, keep their precision.

    Example:
        >>> layer = keras.layers.Dense(2, dtype="mixed_float16")
        >>> x = layer(keras.ops.ones((1, 1)))
        >>> with full_precision():
        ...     y = layer(keras.ops.ones((1, 1)))
        >>> [keras.backend.standardize_dtype(tensor.dtype) for tensor in (x, y)]
        ['float16', 'float32']
    """
    with call_instead(_in_float32):
        yield


def _in_float32(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Return a layer with the same weights and attributes that computes in float32."""
    policy = layer.dtype_policy
    if (
        layer.compute_dtype not in _HALVES
        or not layer.built
        or layer.quantization_mode is not None
        or isinstance(policy, keras.dtype_policies.DTypePolicyMap)
    ):
        return layer
    twin = object.__new__(type(layer))
    vars(twin).update(vars(layer))
    twin.dtype_policy = "float32"
    return twin
