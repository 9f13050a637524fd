"""Count the parameters and the multiply-accumulates of a network."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from keras_cnnzoo.axes import spatial_axes
from keras_cnnzoo.inspect.trace.calls import LayerCall
from keras_cnnzoo.inspect.trace.dataflow import dataflow
from keras_cnnzoo.structure.shapes import known_shape


def count_params(model: keras.Model) -> int:
    """Count the trainable parameters of a model."""
    return sum(math.prod(w.shape) for w in model.trainable_weights)


def count_macs(
    model: keras.Model, input_shape: tuple[int | None, ...] | None = None
) -> int:
    """Count the multiply-accumulates of one image through a model.

    Convolutions of every kind and dense layers count, as in most papers; biases,
    normalisation, activations, pooling, attention and recurrent layers do not. The
    model is traced once, and nothing is computed. Nested and subclassed models are
    counted in full.

    Args:
        model: Any built Keras model with one image input.
        input_shape: Shape of one image, such as `(height, width, channels)`, in the
            model's data format. None uses the model's own, which must then be fully
            known.

    Raises:
        ValueError: The model's input size is unknown and `input_shape` is None.
    """
    shape = known_shape(model, input_shape)
    calls = (c for c in dataflow(model, shape) if isinstance(c, LayerCall))
    return sum(
        layer_macs(call.layer, call.inputs, call.outputs[0])
        for call in calls
        if call.inputs and call.outputs
    )


def layer_macs(layer: Any, inputs: Sequence[Any], output: Any) -> int:
    """Count the multiply-accumulates of one call of a layer with one image.

    A custom layer can define `count_macs(input_shape, output_shape)` for this.
    """
    if hasattr(layer, "count_macs"):
        return int(layer.count_macs(tuple(inputs[0].shape), tuple(output.shape)))
    if isinstance(layer, keras.layers.Dense):
        return int(math.prod(output.shape) * math.prod(layer.kernel.shape[:-1]))
    if isinstance(layer, keras.layers.EinsumDense):
        return int(math.prod(output.shape)) * _summed(layer)
    if isinstance(layer, keras.layers.TimeDistributed):
        # The wrapped layer's calls do not appear in the trace.
        one = [keras.KerasTensor((1, *x.shape[2:])) for x in (inputs[0], output)]
        return int(output.shape[1]) * layer_macs(layer.layer, one[:1], one[1])
    if isinstance(layer, keras.layers.RNN):
        return 0
    if isinstance(layer, keras.layers.SeparableConv1D | keras.layers.SeparableConv2D):
        per_pixel = math.prod(layer.depthwise_kernel.shape)
        per_pixel += math.prod(layer.pointwise_kernel.shape)
    elif hasattr(layer, "kernel_size") and hasattr(layer, "kernel"):
        per_pixel = math.prod(layer.kernel.shape)
    else:  # its sublayers, if any, are counted by themselves
        return 0
    transposed = isinstance(
        layer,
        keras.layers.Conv1DTranspose
        | keras.layers.Conv2DTranspose
        | keras.layers.Conv3DTranspose,
    )
    return int(per_pixel) * _pixels(layer, inputs[0] if transposed else output)


def _summed(layer: keras.layers.EinsumDense) -> int:
    """Count the products summed for each output value of an `EinsumDense`."""
    operands, _, result = layer.equation.partition("->")
    letters = operands.partition(",")[2]
    sizes = zip(letters, layer.kernel.shape, strict=True)
    return math.prod(size for letter, size in sizes if letter not in result)


def _pixels(layer: keras.layers.Layer, image: Any) -> int:
    form = getattr(layer, "data_format", None) or "channels_last"
    return math.prod(image.shape[i] for i in spatial_axes(form, len(image.shape)))
