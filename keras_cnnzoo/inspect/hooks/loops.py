"""Layers that run inside a loop of the backend, whose outputs cannot be read."""

import warnings
from collections.abc import Collection, Mapping

import keras

from keras_cnnzoo.backend.forward import trace_level
from keras_cnnzoo.structure.hidden import loop_around, why_hidden
from keras_cnnzoo.structure.paths import layer_paths


class LoopGuard:
    """Tells which layer calls of a forward pass run inside a loop.

    On every backend, these are the cells of recurrent layers and the layer in a
    `TimeDistributed`. On a backend that compiles loops and conditions, they are also
    the layers that a model calls inside its own: their tensors cannot be used outside.

    Args:
        layers: All layers of the model by path, as `layer_paths` returns them.
    """

    def __init__(self, layers: Mapping[str, keras.layers.Layer]) -> None:
        self._cells = {
            id(layer)
            for path, layer in layers.items()
            if loop_around(layers, path) is not None
        }
        self._level = trace_level()

    def begin(self) -> None:
        """Note the trace level at which the model's own forward pass begins."""
        self._level = trace_level()

    def cells_of(self, layers: Mapping[str, keras.layers.Layer]) -> list[str]:
        """Return the paths of the layers that another layer runs in a loop."""
        return [path for path, layer in layers.items() if id(layer) in self._cells]

    def hides(self, layer: keras.layers.Layer) -> bool:
        """Tell whether a layer that was just called ran inside a loop."""
        return id(layer) in self._cells or trace_level() != self._level


def reasons(model: keras.layers.Layer, paths: Collection[str]) -> str:
    """Explain why outputs cannot be read and what to use instead, once per loop."""
    layers = layer_paths(model)
    first = {loop_around(layers, path): path for path in reversed(list(paths))}
    told = [why_hidden(model, path) for path in reversed(first.values())]
    return " ".join(text or "Take the layer around it." for text in told)


def warn_of_hidden(
    model: keras.layers.Layer, paths: Collection[str], *, stacklevel: int
) -> None:
    """Warn of the layers whose outputs cannot be read, and say why."""
    warnings.warn(
        f"The output of {', '.join(map(repr, paths))} cannot be read, because it is "
        f"computed inside a loop. {reasons(model, paths)}",
        stacklevel=stacklevel + 1,
    )
