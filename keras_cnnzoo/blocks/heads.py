"""From the last feature map to the classes."""

import keras
from keras import layers

from keras_cnnzoo.layers import GlobalGeMPooling2D, GlobalLpPooling2D


def logits(x, classes: int, *, activation=None, name: str = "head", **kwargs):
    """Answer with one linear layer, in full precision under a mixed policy."""
    return layers.Dense(
        classes,
        activation=activation,
        dtype=keras.config.dtype_policy().variable_dtype,
        name=name,
        **kwargs,
    )(x)


def average_classifier(x, config, *, classes: int, activation):
    """Average every map, then one linear layer: the head since Network in Network."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    return logits(x, classes, activation=activation)


#: Poolings of a feature map, as `build(..., classes=0, pooling=...)` takes them.
POOLINGS = {
    None: None,
    "avg": layers.GlobalAveragePooling2D,
    "max": layers.GlobalMaxPooling2D,
    "l2": GlobalLpPooling2D,
    "gem": GlobalGeMPooling2D,
}


def pool_features(x, pooling: str | None):
    """Reduce a map to one number per channel; None hands back the map."""
    if POOLINGS[pooling] is None or len(x.shape) == 2:
        return x
    return POOLINGS[pooling](name="features")(x)
