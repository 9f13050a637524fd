"""The head of early ImageNet networks: two wide dense layers with dropout."""

from typing import Any

from keras import KerasTensor, layers

from keras_cnnzoo.axes import channels, image_shape
from keras_cnnzoo.blocks.heads import logits
from keras_cnnzoo.layers import AdaptivePooling2D
from keras_cnnzoo.layers.initializers import fresh


def dense_head(
    x: KerasTensor,
    names: tuple[str, str],
    *,
    size: int,
    units: tuple[int, int],
    classes: int,
    activation: Any,
    dropout: float = 0.5,
    dropout_first: bool = False,
    **kwargs: Any,
) -> KerasTensor:
    """Flatten a feature map, then apply two wide dense layers and the classifier.

    A feature map of another size is first average pooled to `size` by `size`, as in
    torchvision, so that images of other sizes work with the same weights.

    Args:
        x: The last feature map.
        names: Names of the two dense layers.
        size: Height and width of the feature map before flattening.
        units: Units of the two dense layers.
        classes: Number of classes.
        activation: Activation of the logits.
        dropout: Rate of both dropout layers.
        dropout_first: Whether dropout comes before each dense layer, or else after it.
        **kwargs: Initializers of the dense layers.
    """
    if x.shape[1:] != image_shape((size, size, channels(x))):
        x = AdaptivePooling2D(size, name="head_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    for name, width in zip(names, units, strict=True):
        drop = layers.Dropout(dropout, name=f"{name}_dropout")
        x = drop(x) if dropout_first else x
        own = {argument: fresh(value) for argument, value in kwargs.items()}
        start = {"kernel_initializer": "he_uniform"} | own
        x = layers.Dense(width, activation="relu", name=name, **start)(x)
        x = x if dropout_first else drop(x)
    return logits(x, classes, activation=activation)
