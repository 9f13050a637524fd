"""The stages of a model: runs of consecutive layers with the same output size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import keras

from keras_cnnzoo.axes import channel_axis, spatial
from keras_cnnzoo.inspect.trace.layer_calls import Call, layer_calls
from keras_cnnzoo.structure.paths import layer_paths

#: A layer's path, the layer, and the size of its output.
_Step: TypeAlias = tuple[str, keras.layers.Layer, tuple[int, int, int]]


@dataclass
class Stage:
    """Consecutive layers with the same output size.

    Attributes:
        size: `(height, width, channels)` of the last output; a vector has height and
            width 1.
        layers: The paths and layers, in order.
    """

    size: tuple[int, int, int]
    layers: list[tuple[str, keras.layers.Layer]]

    @property
    def kind(self) -> str:
        """The kind of the stage: "convolution", "dense", "pooling" or "other".

        It is the first of these kinds of which the stage has a layer.
        """
        held = [one for _, layer in self.layers for one in (layer, *_inside(layer))]
        for kind, is_one in _KINDS:
            if any(is_one(layer) for layer in held):
                return kind
        return "other"


def stages(model: keras.Model, image_shape: tuple[int, ...], limit: int) -> list[Stage]:
    """Return the stages of a model, if possible at most `limit`.

    The layers of nested models count separately, a block counts as one layer.
    Consecutive layers whose outputs have the same height, width and channels form a
    stage. If that makes more than `limit` stages, only height and width must be the
    same.
    """
    steps = _steps(model, image_shape)
    found = _merged(steps, 3)
    return found if len(found) <= limit else _merged(steps, 2)


def _steps(model: keras.Model, image_shape: tuple[int, ...]) -> list[_Step]:
    paths = layer_paths(model)
    names = {id(layer): path for path, layer in paths.items()}
    inside_blocks = {
        path
        for path in paths
        for above in _above(path)
        if not isinstance(paths.get(above), keras.Model)
    }
    steps = []
    for call in layer_calls(model, image_shape):
        path = names.get(id(call.layer))
        if path is None or path in inside_blocks or isinstance(call.layer, _ASIDE):
            continue
        if (size := _size(call)) is not None:
            steps.append((path, call.layer, size))
    return steps


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]


def _size(call: Call) -> tuple[int, int, int] | None:
    shape = call.shape
    if shape is None or len(shape) not in (2, 4):
        return None
    if len(shape) == 2:
        return (1, 1, shape[1])
    channels = shape[channel_axis(call.data_format)]
    return (*spatial(shape, call.data_format), channels)


def _merged(steps: Sequence[_Step], digits: int) -> list[Stage]:
    found: list[Stage] = []
    for path, layer, size in steps:
        if found and found[-1].size[:digits] == size[:digits]:
            found[-1].layers.append((path, layer))
            found[-1].size = size
        else:
            found.append(Stage(size, [(path, layer)]))
    return found


def _inside(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    return list(layer_paths(layer).values())


#: Layers that are not counted: models, because their layers are, and layers that
#: compute nothing, such as the one that records how a model was built.
_ASIDE = (
    keras.Model,
    keras.layers.Flatten,
    keras.layers.Identity,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
)
_KINDS: tuple[tuple[str, Callable[[keras.layers.Layer], bool]], ...] = (
    ("convolution", lambda layer: hasattr(layer, "kernel_size")),
    ("dense", lambda layer: isinstance(layer, keras.layers.Dense)),
    (
        "pooling",
        lambda layer: hasattr(layer, "pool_size") or "Pooling" in type(layer).__name__,
    ),
)
