"""Count what a network holds and what one image costs it."""

import math
from collections.abc import Callable

import keras

from keras_cnnzoo.inspect.calls import observe
from keras_cnnzoo.inspect.shapes import known_shape


def count_params(model: keras.Model) -> int:
    """Count the trainable numbers of a model."""
    return sum(math.prod(w.shape) for w in model.trainable_weights)


def count_macs(model: keras.Model, input_shape: tuple | None = None) -> int:
    """Count the multiply-accumulates of one image through a model.

    Convolutions of every kind and dense layers count, as in fvcore and most papers;
    biases, normalisation, activation and pooling do not. The model is traced once
    and nothing is computed; nested and subclassed models are counted in full.

    Args:
        model: Any built Keras model with one image input.
        input_shape: `(height, width, channels)`, in the model's data format. None
            takes the model's own; it must then be known in full.

    Raises:
        ValueError: The model's input size is unknown and `input_shape` is None.
    """
    shape = known_shape(model, input_shape)
    total = 0

    def add(layer, inputs, output):
        nonlocal total
        total += layer_macs(layer, inputs, output)

    def begin():
        nonlocal total
        total = 0

    with observe(add):
        _Traced(model, begin)(keras.KerasTensor((1, *shape), "float32"))
    return total


class _Traced(keras.layers.Layer):
    """Call a model on shapes alone.

    A layer that does not say what it gives is run by its backend on tensors without
    values, with all that is inside it. Where one of them cannot do without, PyTorch
    begins anew with values; `begin` is called each time.
    """

    def __init__(self, model: keras.Model, begin: Callable[[], None]) -> None:
        super().__init__()
        self.model = model
        self.begin = begin

    def call(self, inputs):
        self.begin()
        return self.model(inputs, training=False)


def layer_macs(layer, inputs, output) -> int:
    """Count one call, batch 1. A layer of another kind may say so by `count_macs`."""
    if hasattr(layer, "count_macs"):
        return layer.count_macs(tuple(inputs[0].shape), tuple(output.shape))
    if isinstance(layer, keras.layers.Dense):
        return math.prod(output.shape) * math.prod(layer.kernel.shape[:-1])
    if isinstance(layer, keras.layers.SeparableConv1D | keras.layers.SeparableConv2D):
        per_pixel = math.prod(layer.depthwise_kernel.shape)
        per_pixel += math.prod(layer.pointwise_kernel.shape)
    elif hasattr(layer, "kernel_size") and hasattr(layer, "kernel"):
        per_pixel = math.prod(layer.kernel.shape)
    else:  # or one made of layers, which are counted by themselves
        return 0
    transposed = isinstance(
        layer,
        keras.layers.Conv1DTranspose
        | keras.layers.Conv2DTranspose
        | keras.layers.Conv3DTranspose,
    )
    return per_pixel * _pixels(layer, inputs[0] if transposed else output)


def _pixels(layer, image) -> int:
    spatial = (
        image.shape[1:-1] if layer.data_format == "channels_last" else image.shape[2:]
    )
    return math.prod(spatial)
