"""Compute the receptive field of each tensor and layer of a model."""

from collections.abc import Sequence

import keras

from keras_cnnzoo.axes import spatial_axes
from keras_cnnzoo.inspect.field.edges import Edge
from keras_cnnzoo.inspect.field.operations import links
from keras_cnnzoo.inspect.field.region import ReceptiveField
from keras_cnnzoo.inspect.field.tensor_fields import (
    TensorField,
    carry,
    image_field,
    join,
)
from keras_cnnzoo.inspect.field.windows import Number
from keras_cnnzoo.inspect.trace.call_names import named
from keras_cnnzoo.inspect.trace.calls import LayerCall, Step
from keras_cnnzoo.inspect.trace.dataflow import dataflow
from keras_cnnzoo.structure.shapes import spatial_dims


def fields_of_layers(
    model: keras.Model, shape: tuple[int | None, ...], averages: bool = True
) -> dict[str, TensorField]:
    """Return the field of each layer's first output, by the name of the call."""
    steps = dataflow(model, shape)
    known = fields_of_tensors(steps, spatial_dims(model, 1 + len(shape)), averages)
    found = {}
    for path, step in named(model, steps):
        if step.outputs and id(step.outputs[0]) in known:
            found[path] = known[id(step.outputs[0])]
    return found


def fields_of_tensors(
    steps: Sequence[Step], dims: Sequence[int], averages: bool = True
) -> dict[int, TensorField]:
    """Return the field of each tensor of a dataflow, by the tensor's id.

    Args:
        steps: As `dataflow` returns them; the last is the model's own call.
        dims: The image's spatial dimensions.
        averages: As for `receptive_field`.
    """
    known: dict[int, TensorField] = {}
    if steps and isinstance(steps[-1], LayerCall):
        known = {id(x): image_field(x.shape, dims) for x in steps[-1].inputs}
    for step in steps:
        if isinstance(step, LayerCall):
            continue
        reached = [i for i, x in enumerate(step.tensors) if id(x) in known]
        for number, output in enumerate(step.outputs) if reached else ():
            carried = [
                carry(
                    known[id(step.tensors[i])],
                    step.tensors[i].shape,
                    links(Edge(step, i, number)),
                    output.shape,
                )
                for i in reached
            ]
            known[id(output)] = join(carried, output.shape, averages)
    return known


def as_receptive_field(field: TensorField, form: str) -> ReceptiveField:
    """Convert a tensor's field to the `ReceptiveField` that users get.

    Args:
        field: The tensor's field.
        form: The data format of the model.
    """
    spans = tuple(one.span for one in field)
    known = tuple(one.pixels for one in field if one.pixels is not None)
    return ReceptiveField(
        size=tuple(_plain(span.size) for span in spans),
        stride=tuple(_plain(span.stride) for span in spans),
        start=tuple(_plain(span.start) for span in spans),
        order=_order([one.dim for one in field], form),
        spans=spans,
        pixels=known if len(known) == len(spans) else None,
        image=tuple(one.image for one in field),
    )


def _order(dims: Sequence[int | None], form: str) -> tuple[int, ...] | None:
    """Return, for each axis of the image, the matching index of a unit's position.

    None is the usual order: rows match the first index, columns the second.
    """
    places = list(spatial_axes(form, len(dims) + 2))
    moving = sorted({dim for dim in dims if dim is not None})
    if not set(moving) <= set(places):
        places = moving
    order = tuple(
        axis if dim is None else places.index(dim) for axis, dim in enumerate(dims)
    )
    return None if order == tuple(range(len(dims))) else order


def _plain(number: Number) -> float:
    return int(number) if number == number // 1 else float(number)
