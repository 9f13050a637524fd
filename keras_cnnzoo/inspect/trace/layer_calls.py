"""The layers that a model calls, in order, with the shapes of their outputs."""

import math
from dataclasses import dataclass
from typing import Any

import keras

from keras_cnnzoo.axes import spatial
from keras_cnnzoo.call_path import CallPath
from keras_cnnzoo.inspect.trace.call_names import call_paths
from keras_cnnzoo.inspect.trace.calls import LayerCall
from keras_cnnzoo.inspect.trace.dataflow import dataflow
from keras_cnnzoo.structure.hidden import why_hidden
from keras_cnnzoo.structure.paths import Selection, find
from keras_cnnzoo.structure.shapes import data_format


@dataclass(frozen=True)
class Call:
    """One call of a layer inside a model.

    Attributes:
        layer: The layer that was called.
        path: Name of the call; None for the model itself, which has no path.
        number: How often the layer ran before in this forward pass.
        given: Shape of its first input, for a batch of one; None if it has no input.
        shape: Shape of its output; None if that is not a single tensor.
        made: Whether the layer itself computed the output. A nested model or a block
            returns a tensor that a layer inside it has computed, and a dropout at
            inference returns its input.
        data_format: The layer's data format. If it has none, that of the last layer
            before it that has one.
    """

    layer: keras.layers.Layer
    path: CallPath | None
    number: int
    given: tuple[int, ...] | None
    shape: tuple[int, ...] | None
    made: bool
    data_format: str

    @property
    def is_map(self) -> bool:
        """Whether the output is feature maps of more than one pixel."""
        return self._pixels(self.shape) > 1

    @property
    def shrinks(self) -> bool:
        """Whether the input is feature maps with more pixels than the output."""
        return self._pixels(self.given) > self._pixels(self.shape)

    def _pixels(self, shape: tuple[int, ...] | None) -> int:
        """Count the pixels of a feature map; 0 if the shape is not that of maps."""
        if shape is None or len(shape) != 4:
            return 0
        return math.prod(spatial(shape, self.data_format))


def shape_of(tensor: Any) -> tuple[int, ...] | None:
    """Return the shape of a tensor, and None for anything else."""
    return tuple(tensor.shape) if hasattr(tensor, "shape") else None


def layer_calls(model: keras.Model, image_shape: tuple[int | None, ...]) -> list[Call]:
    """List the calls of layers in one forward pass, in order; the model's own is last.

    The model is traced on symbolic tensors; nothing is computed.

    Args:
        model: Any built Keras model with one image input.
        image_shape: Shape of one image, without the batch.

    Example:
        >>> layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv")]
        >>> model = keras.Sequential(layers)
        >>> [(str(call.path), call.shape) for call in layer_calls(model, (8, 8, 3))]
        [('conv', (1, 6, 6, 4)), ('None', (1, 6, 6, 4))]
    """
    calls: list[Call] = []
    form = data_format(model)
    seen: set[int] = set()
    steps = [s for s in dataflow(model, image_shape) if isinstance(s, LayerCall)]
    for step, path in zip(steps, call_paths(model, steps), strict=True):
        form = getattr(step.layer, "data_format", None) or form
        seen |= {id(tensor) for tensor in step.inputs}
        output = step.outputs[0] if len(step.outputs) == 1 else None
        calls.append(
            Call(
                layer=step.layer,
                path=path,
                number=sum(call.layer is step.layer for call in calls),
                given=shape_of(step.inputs[0]) if step.inputs else None,
                shape=shape_of(output),
                made=id(output) not in seen,
                data_format=form,
            )
        )
        seen |= {id(tensor) for tensor in step.outputs}
    return calls


def last_call(model: keras.Model, calls: list[Call], layer: Selection) -> Call:
    """Return the last call of a layer, by the numbers of its calls.

    Args:
        model: The model.
        calls: Its calls, from `layer_calls`.
        layer: The layer, as `find` takes it.

    Raises:
        ValueError: `layer` does not match exactly one layer, or the layer is not
            called; the message says why.
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
        unused = f"{path!r} is not called when {model.name!r} sees an image."
        raise ValueError(why_hidden(model, path) or unused)
    return max(own, key=lambda call: call.path.number if call.path else 0)
