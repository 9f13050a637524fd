"""Layer norm of maps: each pixel over its channels."""

from typing import Any

from keras import layers

from keras_cnnzoo.axes import channel_axis


def layer_norm(x: Any, *, epsilon: float = 1e-6, name: str) -> Any:
    """Normalise each pixel of a map, or each sample of a row, over its channels."""
    norm = layers.LayerNormalization(-1, epsilon=epsilon, name=name)
    if len(x.shape) == 2 or channel_axis() == -1:
        return norm(x)
    # Under PyTorch Keras 3.15.1 fails where the axis is a single one but the last.
    x = norm(layers.Permute((2, 3, 1), name=f"{name}_to_last")(x))
    return layers.Permute((3, 1, 2), name=f"{name}_to_first")(x)
