"""The head of networks without a dense layer: one channel per class, averaged."""

from typing import Any

import keras
from keras import KerasTensor, layers


def map_classifier(
    x: KerasTensor,
    classes: int,
    *,
    activation: Any,
    hidden: Any = None,
    **kwargs: Any,
) -> KerasTensor:
    """Convolve 1x1 to one channel per class, average each channel, then activate.

    It runs in full precision under a mixed-precision policy, as every head.

    Args:
        x: The last feature map.
        classes: Number of classes.
        activation: Activation of the averages.
        hidden: Activation before the averages.
        **kwargs: Arguments of the convolution.
    """
    full = {"dtype": keras.config.dtype_policy().variable_dtype}
    kwargs = {"kernel_initializer": "he_uniform"} | kwargs | full
    x = layers.Conv2D(classes, 1, activation=hidden, name="head", **kwargs)(x)
    x = layers.GlobalAveragePooling2D(name="head_pool", **full)(x)
    if activation is None:
        return x
    return layers.Activation(activation, name="head_activation", **full)(x)
