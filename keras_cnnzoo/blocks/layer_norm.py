"""Layer norm over the channels of each pixel."""

from typing import Any

from keras import layers

from keras_cnnzoo.axes import channel_axis


def layer_norm(x: Any, *, epsilon: float = 1e-6, name: str) -> Any:
    """Normalise each pixel of a feature map, or each row of a matrix, over channels."""
    norm = layers.LayerNormalization(-1, epsilon=epsilon, name=name)
    if len(x.shape) == 2 or channel_axis() == -1:
        return norm(x)
    # Under PyTorch, Keras 3.15.1 fails for a single axis that is not the last.
    x = norm(layers.Permute((2, 3, 1), name=f"{name}_to_last")(x))
    return layers.Permute((3, 1, 2), name=f"{name}_to_first")(x)
