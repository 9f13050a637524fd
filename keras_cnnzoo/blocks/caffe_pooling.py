"""Pooling 3x3 by 2 as Caffe and cuda-convnet do it: no pixel is left out."""

from typing import Any

from keras_cnnzoo.layers import LpPooling2D, PaddedMaxPooling2D


def overlapping_pool(x: Any, kind: str, *, name: str) -> Any:
    """Pool a map of no negative numbers; windows may reach over the end.

    The average is over the pixels there are. It is taken as the mean of magnitudes:
    Keras's own has replicated pixels in it at the border on PyTorch (Keras 3.15.1).
    Where its side is odd, the windows of the average reach over both ends.

    Raises:
        ValueError: `kind` is not "max" or "avg".
    """
    if kind == "max":
        return PaddedMaxPooling2D(3, 2, ceil_mode=True, name=name)(x)
    if kind == "avg":
        return LpPooling2D(3, 2, "same", p=1, reduction="mean", name=name)(x)
    raise ValueError(f"Pooling is one of 'max', 'avg'. Received: {kind!r}")
