"""The head of the first ImageNet networks: two wide dense layers with dropout."""

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
    """Flatten a map of `size` by `size`, then two wide dense layers and logits.

    A map of another size is averaged to that one first, as torchvision does, so
    images of other sizes are taken, and the weights fit them.

    Args:
        x: The last feature map.
        names: Names of the two dense layers.
        size: Height and width of the map that the first dense layer sees.
        units: Units of the two dense layers.
        classes: Number of classes.
        activation: What the logits are passed through.
        dropout: Share of the units that each dropout silences.
        dropout_first: Whether a dropout stands before or behind each dense layer.
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
