"""Measure with gradients which pixels a unit depends on."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_cnnzoo.backend.gradient import differentiate
from keras_cnnzoo.inspect.field.tensor_fields import TensorField
from keras_cnnzoo.inspect.trace.call_names import call_numbers, collect
from keras_cnnzoo.structure.shapes import spatial_dims

SAMPLES = 4


class Box(NamedTuple):
    """A unit, and the first and last pixel it depends on, along each image axis."""

    unit: tuple[int, ...]
    first: tuple[int, ...]
    last: tuple[int, ...]


def measured_boxes(
    model: keras.Model,
    layers: Mapping[str, keras.layers.Layer],
    fields: Mapping[str, TensorField],
    shape: tuple[int | None, ...],
    threshold: float,
) -> dict[str, Box]:
    """Measure which pixels the middle unit of each layer's feature map depends on.

    Args:
        model: Any model.
        layers: The layers by path.
        fields: The field of each of their calls, by the name of the call.
        shape: Shape of one image.
        threshold: Gradients above this share of the largest count.

    Raises:
        ValueError: The image's size is not known.
    """
    if None in shape:
        raise ValueError(
            f"{model.name!r} takes images of any size, {shape}. Pass `input_shape="
            "(height, width, channels)` to measure."
        )
    sizes = [n for n in shape if n is not None]
    images = np.random.default_rng(0).uniform(size=(SAMPLES, *sizes)).astype("float32")
    middles: dict[str, dict[int, int]] = {}

    numbers = call_numbers(model)

    def score(x: Any, one_hot: Any) -> tuple[Any, Any]:
        with collect(layers, lambda path, layer, output: output, numbers) as kept:
            model(x, training=False)
        total = 0.0
        for i, (path, field) in enumerate(fields.items()):
            maps = keras.tree.flatten(kept[path])[0]
            middles[path] = {
                along.dim: maps.shape[along.dim] // 2
                for along in field
                if along.dim is not None
            }
            unit = maps[
                tuple(middles[path].get(d, slice(None)) for d in range(len(maps.shape)))
            ]
            # A random weight per channel, so that channels do not cancel.
            signs = np.random.default_rng(1).normal(size=tuple(unit.shape)[1:])
            signs = ops.convert_to_tensor(signs, "float32")
            total += one_hot[i] * ops.sum(ops.cast(unit, "float32") * signs)
        return total, ()

    measure = differentiate(model, score)
    dims = spatial_dims(model, len(shape) + 1)
    boxes = {}
    for path, row in zip(fields, np.eye(len(fields), dtype="float32"), strict=True):
        _, gradient = measure(images, row)
        if gradient is None:
            continue
        ends = _ends(np.abs(ops.convert_to_numpy(gradient)), dims, threshold)
        if ends is not None:
            units = [
                0 if along.dim is None else middles[path][along.dim]
                for along in fields[path]
            ]
            boxes[path] = Box(tuple(units), *ends)
    return boxes


def _ends(size: np.ndarray, dims: tuple[int, ...], threshold: float) -> Any:
    counts = size > threshold * size.max()
    if not counts.any():
        return None
    lines = [
        np.flatnonzero(counts.any(axis=tuple(d for d in range(size.ndim) if d != dim)))
        for dim in dims
    ]
    return tuple(int(n[0]) for n in lines), tuple(int(n[-1]) for n in lines)
