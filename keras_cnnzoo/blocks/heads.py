"""Heads: from feature maps to class scores."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import KerasTensor, layers

from keras_cnnzoo.layers import GlobalGeMPooling2D, GlobalLpPooling2D


def logits(
    x: KerasTensor,
    classes: int,
    *,
    activation: Any = None,
    name: str = "head",
    **kwargs: Any,
) -> KerasTensor:
    """Apply the last linear layer, in full precision under a mixed-precision policy."""
    return layers.Dense(
        classes,
        activation=activation,
        dtype=keras.config.dtype_policy().variable_dtype,
        name=name,
        **kwargs,
    )(x)


def on_last_map(head: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a head for one feature map into one for all, which uses the last.

    A family's head is called as `head(maps, config, classes=, activation=)`, with the
    feature maps of all stages by name. Most classifiers use only the last one; they are
    written as `head(x, config, *, classes, activation)` and decorated.

    Example:
        >>> @on_last_map
        ... def head(x, config, *, classes, activation):
        ...     return logits(x, classes, activation=activation)
        >>> head({"stage1": None, "top": keras.Input((8,))}, None,
        ...      classes=3, activation=None).shape
        (None, 3)
    """

    @functools.wraps(head)
    def on_maps(maps: Mapping[str, Any], config: Any, **options: Any) -> Any:
        *_, last = maps.values()
        return head(last, config, **options)

    del on_maps.__wrapped__  # its first parameter differs
    return on_maps


@on_last_map
def average_classifier(
    x: KerasTensor, config: Any, *, classes: int, activation: Any
) -> KerasTensor:
    """Global average pooling and one linear layer."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    return logits(x, classes, activation=activation)


#: The values of `pooling` in `build(..., classes=0, pooling=...)`.
POOLINGS = {
    None: None,
    "avg": layers.GlobalAveragePooling2D,
    "max": layers.GlobalMaxPooling2D,
    "l2": GlobalLpPooling2D,
    "gem": GlobalGeMPooling2D,
}


def pool_features(x: KerasTensor, pooling: str | None) -> KerasTensor:
    """Pool a feature map to one value per channel; None returns the feature map."""
    if POOLINGS[pooling] is None or len(x.shape) == 2:
        return x
    return POOLINGS[pooling](name="features")(x)
