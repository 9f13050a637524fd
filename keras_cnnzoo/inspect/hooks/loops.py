"""Layers that run inside a loop, where what they give cannot be handed out."""

import warnings
from collections.abc import Collection, Mapping

import keras

from keras_cnnzoo.backend.forward import trace_level
from keras_cnnzoo.structure.hidden import loop_around, why_hidden
from keras_cnnzoo.structure.paths import layer_paths


class LoopGuard:
    """Tells which calls of one pass run inside a loop.

    The cells of recurrent layers do on every backend, and what a `TimeDistributed`
    holds. So do layers that a model calls
    in a loop or a condition of its own, where a backend compiles it: their tensors mean
    nothing outside.

    Args:
        layers: All layers of the model by path, as `layer_paths` gives them.
    """

    def __init__(self, layers: Mapping[str, keras.layers.Layer]) -> None:
        self._cells = {
            id(layer)
            for path, layer in layers.items()
            if loop_around(layers, path) is not None
        }
        self._level = trace_level()

    def begin(self) -> None:
        """Say that the model's own pass begins here."""
        self._level = trace_level()

    def cells_of(self, layers: Mapping[str, keras.layers.Layer]) -> list[str]:
        """Return the paths of those layers that another one runs in a loop."""
        return [path for path, layer in layers.items() if id(layer) in self._cells]

    def hides(self, layer: keras.layers.Layer) -> bool:
        """Tell whether a layer that was just called ran inside a loop."""
        return id(layer) in self._cells or trace_level() != self._level


def reasons(model: keras.layers.Layer, paths: Collection[str]) -> str:
    """Say why layers cannot be seen and what to take instead, once for each loop."""
    layers = layer_paths(model)
    first = {loop_around(layers, path): path for path in reversed(list(paths))}
    told = [why_hidden(model, path) for path in reversed(first.values())]
    return " ".join(text or "Look at the layer around it." for text in told)


def warn_of_hidden(
    model: keras.layers.Layer, paths: Collection[str], *, stacklevel: int
) -> None:
    """Name the layers that cannot be seen, and say why."""
    warnings.warn(
        f"What {', '.join(map(repr, paths))} gives cannot be seen: it runs inside a "
        f"loop. {reasons(model, paths)}",
        stacklevel=stacklevel + 1,
    )
