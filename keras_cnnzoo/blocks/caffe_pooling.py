"""3x3 pooling of stride 2 as in Caffe and cuda-convnet: no pixel is left out."""

from typing import Any

from keras_cnnzoo.layers import LpPooling2D, PaddedMaxPooling2D


def overlapping_pool(x: Any, kind: str, *, name: str) -> Any:
    """Pool a non-negative feature map; windows may extend beyond the edge.

    The average is over the pixels inside the feature map. It is computed as the mean of
    magnitudes, since under PyTorch Keras's own average includes replicated pixels at
    the border (Keras 3.15.1). If the height or width is odd, the windows of the average
    extend beyond both edges.

    Raises:
        ValueError: `kind` is not "max" or "avg".
    """
    if kind == "max":
        return PaddedMaxPooling2D(3, 2, ceil_mode=True, name=name)(x)
    if kind == "avg":
        return LpPooling2D(3, 2, "same", p=1, reduction="mean", name=name)(x)
    raise ValueError(f"Pooling is one of 'max', 'avg'. Received: {kind!r}")
