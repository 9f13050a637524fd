"""The cost of each layer of a model: parameters, multiply-accumulates and memory."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from keras_cnnzoo.inspect.cost.counting import layer_macs
from keras_cnnzoo.inspect.cost.memory import given_bytes, memory
from keras_cnnzoo.inspect.cost.table import Profile, Row
from keras_cnnzoo.inspect.field.following import as_receptive_field, fields_of_tensors
from keras_cnnzoo.inspect.trace.call_names import named
from keras_cnnzoo.inspect.trace.calls import LayerCall, Step
from keras_cnnzoo.inspect.trace.dataflow import dataflow
from keras_cnnzoo.structure.shapes import data_format, known_shape, spatial_dims
from keras_cnnzoo.structure.walk import children


def profile(
    model: keras.Model,
    input_shape: tuple[int | None, ...] | None = None,
    batch_size: int = 1,
    optimizer_slots: int = 2,
) -> Profile:
    """Return the cost of each layer of a model, and the total.

    Each call of a layer is a row, including layers inside nested models, blocks and
    subclassed models. Nothing is computed. Multiply-accumulates are counted as in
    `count_macs`.

    Args:
        model: Any built Keras model with one image input.
        input_shape: Shape of one image; None uses the model's own.
        batch_size: The number of images for which the activations' bytes are given.
        optimizer_slots: How many values the optimizer keeps per trainable parameter:
            2 for Adam, 1 for SGD with momentum, 0 for plain SGD.

    Raises:
        ValueError: The size of the image is not known, or the model cannot be traced.

    Example:
        >>> model = keras.Sequential(
        ...     [
        ...         keras.Input((32, 32, 3)),
        ...         keras.layers.Conv2D(8, 3, name="conv"),
        ...         keras.layers.GlobalAveragePooling2D(name="pool"),
        ...         keras.layers.Dense(10, name="head"),
        ...     ],
        ...     name="small",
        ... )
        >>> costs = profile(model)
        >>> costs.params, costs.macs
        (314, 194480)
        >>> [(row.path, row.macs, row.dense) for row in costs.rows]
        [('conv', 194400, 22118400), ('pool', 0, None), ('head', 80, None)]
    """
    if batch_size < 1 or optimizer_slots < 0:
        raise ValueError(
            "`batch_size` is at least 1 and `optimizer_slots` at least 0. Received: "
            f"batch_size={batch_size}, optimizer_slots={optimizer_slots}"
        )
    shape = known_shape(model, input_shape)
    steps = dataflow(model, shape)
    held = memory(model, steps, batch_size, optimizer_slots)
    rows = _rows(model, steps, shape)
    whole = {
        "params": sum(row["params"] for row in rows),
        "macs": sum(row["macs"] for row in rows),
        "activation_bytes": sum(row["activation_bytes"] for row in rows),
    }
    finished = [
        Row(
            **row | {"activation_bytes": batch_size * row["activation_bytes"]},
            params_share=_share(row["params"], whole["params"]),
            macs_share=_share(row["macs"], whole["macs"]),
            memory_share=_share(row["activation_bytes"], whole["activation_bytes"]),
        )
        for row in rows
    ]
    return Profile(model.name, shape, batch_size, tuple(finished), held)


def dense_equivalent(
    input_shape: int | Sequence[int], output_shape: int | Sequence[int]
) -> int:
    """Count the connections of a fully connected layer between two feature maps.

    Each connection is a weight and a multiply-accumulate. Their number is why networks
    for images use convolutions: 1,000 neurons that are connected to all of 100 x 100
    pixels have ten million weights.

    Args:
        input_shape: Shape of the input, without the batch.
        output_shape: Shape of the output, without the batch.

    Example:
        >>> dense_equivalent((100, 100), 1000)
        10000000
    """
    sizes = (input_shape, output_shape)
    return math.prod(
        size if isinstance(size, int) else math.prod(size) for size in sizes
    )


def _rows(
    model: keras.Model, steps: Sequence[Step], shape: tuple[int, ...]
) -> list[dict[str, Any]]:
    form = data_format(model)
    seen = fields_of_tensors(steps, spatial_dims(model, 1 + len(shape)))
    counted: set[int] = set()
    rows: list[dict[str, Any]] = []
    called = {step.layer for step in steps if isinstance(step, LayerCall)}
    calls = list(named(model, steps))
    if steps and isinstance(steps[-1], LayerCall):
        calls.append((model.name, steps[-1]))  # A subclassed model's own weights.
    for path, call in calls:
        own = _own_weights(call.layer, counted, called)
        counted |= {id(w) for w in own}
        inputs, outputs = call.inputs, call.outputs
        macs = layer_macs(call.layer, inputs, outputs[0]) if outputs and inputs else 0
        made = given_bytes(call)
        if not (own or macs or made or (call.leaf and call.layer is not model)):
            continue
        given = tuple(outputs[0].shape[1:]) if outputs else ()
        slides = macs and hasattr(call.layer, "kernel_size")
        field = seen.get(id(outputs[0])) if outputs else None
        rows.append(
            {
                "path": path,
                "kind": type(call.layer).__name__,
                "output_shape": given,
                "params": sum(math.prod(w.shape) for w in own if w.trainable),
                "fixed": sum(math.prod(w.shape) for w in own if not w.trainable),
                "macs": macs,
                "activation_bytes": made,
                "field": None if field is None else as_receptive_field(field, form),
                "dense": dense_equivalent(inputs[0].shape[1:], given)
                if slides
                else None,
            }
        )
    return rows


def _own_weights(
    layer: keras.layers.Layer, counted: set[int], called: set[keras.layers.Layer]
) -> list[keras.Variable]:
    """List a layer's weights, without those of layers called inside it or counted."""
    inner = {
        id(w) for child in children(layer) if child in called for w in child.weights
    }
    return [w for w in layer.weights if id(w) not in inner | counted]


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
