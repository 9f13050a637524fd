"""Layers that run inside a loop, where what they give cannot be handed out."""

import warnings
from collections.abc import Collection, Mapping

import keras

from keras_cnnzoo.backend.forward import trace_level


class LoopGuard:
    """Tells which calls of one pass run inside a loop.

    The cells of recurrent layers do on every backend. So do layers that a model calls
    in a loop or a condition of its own, where a backend compiles it: their tensors mean
    nothing outside.

    Args:
        layers: All layers of the model by path, as `layer_paths` gives them.
    """

    def __init__(self, layers: Mapping[str, keras.layers.Layer]) -> None:
        recurrent = tuple(
            f"{path}/"
            for path, layer in layers.items()
            if isinstance(layer, keras.layers.RNN)
        )
        self._cells = {
            id(layer) for path, layer in layers.items() if path.startswith(recurrent)
        }
        self._level = trace_level()

    def begin(self) -> None:
        """Say that the model's own pass begins here."""
        self._level = trace_level()

    def cells_of(self, layers: Mapping[str, keras.layers.Layer]) -> list[str]:
        """Return the paths of those layers that are in a recurrent layer."""
        return [path for path, layer in layers.items() if id(layer) in self._cells]

    def hides(self, layer: keras.layers.Layer) -> bool:
        """Tell whether a layer that was just called ran inside a loop."""
        return id(layer) in self._cells or trace_level() != self._level


def warn_of_hidden(paths: Collection[str], *, stacklevel: int) -> None:
    """Name the layers that cannot be seen."""
    warnings.warn(
        f"What {', '.join(map(repr, paths))} gives cannot be seen: it runs inside a "
        "loop, as the cell of a recurrent layer does at each step. Look at the layer "
        "around it.",
        stacklevel=stacklevel + 1,
    )
