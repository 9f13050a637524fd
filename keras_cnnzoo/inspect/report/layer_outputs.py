"""Run one image through a model, with the output of every layer as a NumPy array."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.axes import move_channels_last
from keras_cnnzoo.inspect.hooks.inputs import as_model_takes
from keras_cnnzoo.inspect.hooks.loops import LoopGuard
from keras_cnnzoo.inspect.trace.call_names import CallNames, call_numbers
from keras_cnnzoo.internals.calls import observe
from keras_cnnzoo.structure.paths import layer_paths
from keras_cnnzoo.structure.shapes import data_format


@dataclass(frozen=True)
class Call:
    """One call of a layer with one image.

    Attributes:
        path: The layer's path; `path:1` for its second call, and so on.
        layer: The layer.
        inputs: Its input tensors.
        output: Its output.
        form: The model's data format, for layers that have none of their own.
    """

    path: str
    layer: keras.layers.Layer
    inputs: tuple[Any, ...]
    output: Any
    form: str

    @cached_property
    def map(self) -> np.ndarray | None:
        """The output as `(height, width, channels)`; a vector is a single pixel."""
        return _as_map(self.layer, self.output, self.form)

    @cached_property
    def given(self) -> np.ndarray | None:
        """The first input as `(height, width, channels)`."""
        if not self.inputs:
            return None
        return _as_map(self.layer, self.inputs[0], self.form)


def run_image(
    model: keras.Model, image: np.ndarray, see: Callable[[Call], None]
) -> np.ndarray | None:
    """Run one image through a model, and pass every layer call inside to `see`.

    The tensors of a call are not kept, so only those of one layer are in memory at a
    time. Cells of recurrent layers, which run inside a loop, are left out.

    Args:
        model: Any model with one image input.
        image: One preprocessed image, without the batch dimension.
        see: A function that gets each call, innermost first.

    Returns:
        The model's output if it is a vector, else None.
    """
    paths = layer_paths(model)
    names, guard = CallNames(paths, call_numbers(model)), LoopGuard(paths)
    form = data_format(model)

    def show(layer: keras.layers.Layer, inputs: tuple[Any, ...], output: Any) -> None:
        name = names.next(layer)
        if name is not None and not guard.hides(layer):
            see(Call(str(name), layer, inputs, output, form))

    with observe(show):
        batch = keras.ops.convert_to_tensor(image[None])
        answer = model(as_model_takes(model, batch), training=False)
    if len(getattr(answer, "shape", ())) != 2:
        return None
    return keras.ops.convert_to_numpy(answer)[0].astype("float32")


def _as_map(layer: keras.layers.Layer, tensor: Any, form: str) -> np.ndarray | None:
    if len(getattr(tensor, "shape", ())) not in (2, 4):
        return None
    array = keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))[0]
    if array.ndim == 1:
        return array[None, None]
    return move_channels_last(array, getattr(layer, "data_format", None) or form)
