"""The order in which a model's layers with weights come, nested models included."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import keras

from keras_cnnzoo.structure.walk import children

#: The nested models around a layer, outermost first, and the layer.
Path: TypeAlias = Sequence[keras.layers.Layer]


def all_paths(model: keras.layers.Layer) -> Iterator[Path]:
    """Yield the path of every layer, in order, nested models before their layers."""
    for layer in children(model):
        yield [layer]
        if _nests(layer):
            yield from ([layer, *rest] for rest in all_paths(layer))


def weighted_paths(model: keras.Model) -> list[Path]:
    """Return the paths of the layers with weights; blocks are single layers.

    The last one is the model's head.

    Raises:
        ValueError: The model has no weights.
    """
    paths = [p for p in all_paths(model) if p[-1].weights and not _nests(p[-1])]
    if not paths:
        raise ValueError(f"{model.name!r} has no weights, or is not built yet.")
    return paths


def layers_before(
    model: keras.layers.Layer, path: Path
) -> Iterator[keras.layers.Layer]:
    """Yield the outermost layers that come before the last layer of `path`."""
    first, *rest = path
    for layer in children(model):
        if layer is first:
            break
        yield layer
    if rest:
        yield from layers_before(first, rest)


def _nests(layer: keras.layers.Layer) -> bool:
    # Other layers call their sublayers in an order that only their code knows.
    return isinstance(layer, keras.Model | keras.layers.Wrapper)
