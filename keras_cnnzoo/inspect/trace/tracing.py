"""Call a model on shapes alone: nothing is computed, and every call inside is seen."""

from collections.abc import Callable

import keras

from keras_cnnzoo.backend.forward import at_hand
from keras_cnnzoo.internals.calls import Callback, observe


def trace(
    model: keras.Model,
    image_shape: tuple[int, ...],
    see: Callback,
    begin: Callable[[], None],
) -> None:
    """Have `see` called after each call inside a model, the model's own the last.

    A layer that does not say what it gives is run by its backend on tensors without
    values, with all that is inside it. Where one of them cannot do without, PyTorch
    begins anew with values.

    Args:
        model: Any built Keras model with one image input.
        image_shape: Of one image, without the batch.
        see: `see(layer, inputs, output)`, as for `observe`.
        begin: Called at the start, and at each further one: forget what was seen.
    """
    at_hand(model)
    traced = _Traced(model, begin)

    def inside(layer, inputs, output):
        if layer is not traced:
            see(layer, inputs, output)

    with observe(inside):
        traced(keras.KerasTensor((1, *image_shape), "float32"))


class _Traced(keras.layers.Layer):
    """What Keras traces instead of the model, to tell where it begins anew."""

    def __init__(self, model: keras.Model, begin: Callable[[], None]) -> None:
        super().__init__(dtype="float32")
        self.model = model
        self.begin = begin

    def call(self, inputs):
        self.begin()
        return self.model(inputs, training=False)
