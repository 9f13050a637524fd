"""Which layers a model calls, in which order, and what each gives."""

import math
from dataclasses import dataclass
from typing import Any

import keras

from keras_cnnzoo.inspect.trace.tracing import trace
from keras_cnnzoo.structure.paths import Selection, find
from keras_cnnzoo.structure.shapes import data_format


@dataclass(frozen=True)
class Call:
    """One call of a layer inside a model.

    Attributes:
        layer: Who was called.
        number: Which of the layer's own calls it is, from 0.
        given: Shape of its first input, for a batch of one; None where there is none.
        shape: Of what it gave; None where that is no tensor.
        made: Whether the layer made that tensor. A nested model and a block give what
            a layer inside them has made, a dropout at rest what it was given.
        data_format: Of the layer, or of the last one before that has one.
    """

    layer: keras.layers.Layer
    number: int
    given: tuple[int, ...] | None
    shape: tuple[int, ...] | None
    made: bool
    data_format: str

    @property
    def is_map(self) -> bool:
        """Whether it gave maps of more than one pixel."""
        return self._pixels(self.shape) > 1

    @property
    def shrinks(self) -> bool:
        """Whether it was given maps, and of more pixels than it gave."""
        return self._pixels(self.given) > self._pixels(self.shape)

    def _pixels(self, shape: tuple[int, ...] | None) -> int:
        """Count the pixels of one map, 0 where the shape is none of maps."""
        if shape is None or len(shape) != 4:
            return 0
        return math.prod(spatial(shape, self.data_format))


def spatial(shape: tuple[int, ...], data_format: str) -> tuple[int, int]:
    """Return height and width of a batch of images or maps."""
    height, width = shape[2:4] if data_format == "channels_first" else shape[1:3]
    return height, width


def shape_of(tensor: Any) -> tuple[int, ...] | None:
    """Return the shape of a tensor, None of anything else."""
    return tuple(tensor.shape) if hasattr(tensor, "shape") else None


def survey(model: keras.Model, image_shape: tuple[int, ...]) -> list[Call]:
    """List the calls of one forward pass, in order; the last is the model's own.

    The model is traced once on shapes alone; nothing is computed.

    Args:
        model: Any built Keras model with one image input.
        image_shape: Of one image, without the batch.

    Example:
        >>> layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)]
        >>> model = keras.Sequential(layers)
        >>> [call.shape for call in survey(model, (8, 8, 3))]
        [(1, 6, 6, 4), (1, 6, 6, 4)]
    """
    calls: list[Call] = []
    form = data_format(model)
    # The tensors are kept until the end, so that none takes another's identity.
    seen: dict[int, Any] = {}

    def add(layer, inputs, output):
        for tensor in keras.tree.flatten(inputs):
            seen.setdefault(id(tensor), tensor)
        before = calls[-1].data_format if calls else form
        calls.append(
            Call(
                layer=layer,
                number=sum(call.layer is layer for call in calls),
                given=shape_of(inputs[0]) if inputs else None,
                shape=shape_of(output),
                made=id(output) not in seen,
                data_format=getattr(layer, "data_format", None) or before,
            )
        )
        for tensor in keras.tree.flatten(output):
            seen.setdefault(id(tensor), tensor)

    def begin():
        calls.clear()
        seen.clear()

    trace(model, image_shape, add, begin)
    return calls


def last_call(model: keras.Model, calls: list[Call], layer: Selection) -> Call:
    """Return the last call of one named layer.

    Args:
        model: The model surveyed.
        calls: What `survey` found.
        layer: The layer, as `find` takes it.

    Raises:
        ValueError: Not exactly one layer is named, or it is not called.
    """
    found = find(model, layer)
    if len(found) > 1:
        raise ValueError(
            f"`layer` names one layer. {layer!r} matches {len(found)}: "
            f"{', '.join(found)}."
        )
    ((path, chosen),) = found.items()
    own = [call for call in calls if call.layer is chosen]
    if not own:
        raise ValueError(f"{path!r} is not called when {model.name!r} sees an image.")
    return own[-1]
