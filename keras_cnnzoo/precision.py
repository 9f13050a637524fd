"""What networks compute in: float32, or a shorter type with float32 weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

#: Keras's dtype policy for each precision.
POLICIES = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
}


@contextmanager
def computing_in(precision: str | None) -> Iterator[None]:
    """Build the layers that are made within it for a precision.

    Args:
        precision: A key of `POLICIES`; None leaves Keras's configuration as it is.
    """
    before = keras.config.dtype_policy()
    if precision is not None:
        keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
