"""Poolings by name, so that one can replace another."""

import functools
from typing import Any

from keras import layers

from keras_cnnzoo.layers import L2NormPooling2D

POOLS = {
    "max": layers.MaxPooling2D,
    "avg": layers.AveragePooling2D,
    # Root mean square, which keeps the scale of its input, as the other two do.
    "l2": functools.partial(L2NormPooling2D, reduction="mean"),
}


def pool(
    x: Any, kind: str, size: int = 2, stride: int | None = None, *, name: str
) -> Any:
    """Pool whole windows by "max", "avg" or "l2" (the root mean square).

    Raises:
        ValueError: There is no pooling of that name.
    """
    if kind not in POOLS:
        raise ValueError(f"`pool` is one of {list(POOLS)}. Received: {kind!r}")
    return POOLS[kind](size, stride, name=name)(x)
