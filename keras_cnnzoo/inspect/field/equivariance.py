"""Whether feature maps and predictions change when an image is shifted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.backend.forward import compiled
from keras_cnnzoo.inspect.field.following import as_receptive_field, fields_of_tensors
from keras_cnnzoo.inspect.field.tensor_fields import TensorField
from keras_cnnzoo.inspect.trace.call_names import call_numbers, collect, named
from keras_cnnzoo.inspect.trace.dataflow import dataflow
from keras_cnnzoo.structure.paths import Selection, find, layer_paths
from keras_cnnzoo.structure.shapes import spatial_dims

_TINY = 1e-12


@dataclass(frozen=True)
class Equivariance:
    """How a model reacts to shifted images, averaged over images and shifts.

    Attributes:
        layer: Path of the layer whose feature maps were compared.
        distance: Difference between the feature maps of the shifted images and the
            shifted feature maps of the images: the norm of the difference, divided by
            the mean of both norms. 0 if the features shift exactly with the image,
            about 1.4 if the two feature maps are unrelated.
        interior: Whether only interior pixels were compared: those whose receptive
            field contains neither the border of the image nor wrapped pixels. If there
            are none, as in deep networks on small images, all pixels are compared.
        consistency: Share of images that keep their top class.
        change: Half the sum of the absolute changes of all class probabilities, 0 to 1.
            This and `consistency` are None if the model does not predict classes.
    """

    layer: str
    distance: float
    interior: bool
    consistency: float | None
    change: float | None


def equivariance(
    model: keras.Model,
    images: Any,
    shift: int | tuple[int, int] | Sequence[tuple[int, int]],
    layer: Selection | None = None,
) -> Equivariance:
    """Shift images, and compare feature maps and predictions before and after.

    Images are wrapped around: pixels that leave on one side come in on the other. If a
    feature map is smaller than the image, each pixel of the image gets the features of
    the unit whose receptive field has the nearest centre. A layer with a stride is thus
    exactly equivariant to shifts by multiples of the stride. For other shifts, the
    smoother its features, the smaller the distance: blurring before the stride helps,
    as in the source.

    Args:
        model: Any built Keras model with one image input.
        images: A batch, in the model's range and data format.
        shift: Pixels downwards and to the right: a pair, one int for both, or several
            pairs.
        layer: The layer whose feature maps are compared. None uses the last one whose
            feature map has more than one pixel.

    Raises:
        ValueError: `layer` does not match exactly one layer, or that layer outputs no
            feature map.

    Source:
        Zhang, "Making Convolutional Networks Shift-Invariant Again", 2019, sections
        3.1 and 4, https://arxiv.org/abs/1904.11486, for the idea and `consistency`;
        the paper normalises `distance` differently.

    Example:
        >>> model = keras.Sequential(
        ...     [keras.Input((16, 16, 1)), keras.layers.Conv2D(2, 3, name="conv")]
        ... )
        >>> images = np.random.default_rng(0).normal(size=(2, 16, 16, 1))
        >>> found = equivariance(model, images, shift=(1, 2))
        >>> found.layer, found.interior, round(found.distance, 5)
        ('conv', True, 0.0)
    """
    images = np.asarray(images, "float32")
    pairs = np.broadcast_to(shift, (2,)) if np.ndim(shift) == 0 else np.asarray(shift)
    pairs = np.atleast_2d(pairs).tolist()
    dims = spatial_dims(model, images.ndim)
    sizes = [images.shape[dim] for dim in dims]
    path, tensor = _choose(model, layer, images.shape[1:])
    run = _both(model, path)
    before, answers = run(images)

    rows = []
    for pair in pairs:
        moved = np.roll(images, pair, axis=dims)
        after, changed = run(moved)
        distance, interior = _compare(before, after, tensor, sizes, pair)
        rows.append((distance, interior, *_stability(answers, changed)))
    distances, interiors, same, changes = zip(*rows, strict=True)
    return Equivariance(
        layer=path,
        distance=float(np.mean(distances)),
        interior=all(interiors),
        consistency=None if None in same else float(np.mean(same)),
        change=None if None in changes else float(np.mean(changes)),
    )


def _choose(
    model: keras.Model, layer: Selection | None, shape: tuple[int, ...]
) -> tuple[str, TensorField]:
    maps = _maps(model, shape)
    if layer is not None:
        chosen = list(find(model, layer))
        if len(chosen) > 1:
            raise ValueError(
                f"One layer is compared, and {layer!r} names {len(chosen)}: "
                f"{', '.join(chosen[:5])}."
            )
        if chosen[0] not in maps:
            raise ValueError(
                f"{chosen[0]!r} of {model.name!r} gives no map of more than one pixel, "
                "and there is nothing to move. Name an earlier `layer`, or give larger "
                "images."
            )
        return chosen[0], maps[chosen[0]]
    if not maps:
        raise ValueError(
            f"{model.name!r} has no layer that gives a map of more than one pixel. Its "
            "answers can be compared by predicting images and moved images."
        )
    return list(maps.items())[-1]


def _maps(model: keras.Model, shape: tuple[int, ...]) -> dict[str, TensorField]:
    """Return the fields of all layers that output feature maps, at their first call."""
    steps = dataflow(model, shape)
    # A gate depends on the whole image, but the features it scales stay in place.
    known = fields_of_tensors(
        steps, spatial_dims(model, 1 + len(shape)), averages=False
    )
    paths, found = layer_paths(model), {}
    for path, call in named(model, steps):
        seen = known.get(id(call.outputs[0])) if call.outputs else None
        if seen is None or path not in paths:
            continue
        along = {axis.dim for axis in seen if axis.dim is not None}
        sizes = [call.outputs[0].shape[dim] for dim in along]
        if len(along) == len(seen) and min(sizes) > 1:
            found[path] = seen
    return found


def _both(model: keras.Model, path: str) -> Callable[[Any], list[np.ndarray]]:
    """Compile a function from images to a layer's features and the model's output."""
    layers = {path: layer_paths(model)[path]}
    numbers = call_numbers(model)

    def forward(images: Any) -> tuple[Any, Any]:
        with collect(layers, lambda path, layer, output: output, numbers) as kept:
            answers = model(images, training=False)
        return keras.tree.flatten(kept[path])[0], keras.tree.flatten(answers)[0]

    run = compiled(model, forward)
    return lambda images: [keras.ops.convert_to_numpy(x) for x in run(images)]


def _compare(
    before: np.ndarray,
    after: np.ndarray,
    tensor: TensorField,
    sizes: Sequence[int],
    pair: Sequence[int],
) -> tuple[float, bool]:
    """Return the distance to the shifted features, and whether it is interior only."""
    field = as_receptive_field(tensor, "channels_last")
    pixels, lands, clean = [], [], []
    for axis, (size, shift) in enumerate(zip(sizes, pair, strict=True)):
        dim = tensor[axis].dim
        assert dim is not None  # as in every field that `_maps` returns
        units = before.shape[dim]
        where = np.arange(size)
        start, stride, seen = field.start[axis], field.stride[axis], field.size[axis]
        here, there = (
            np.floor((p - start - (seen - 1) / 2) / stride + 0.5).astype(int)
            for p in (where, (where + shift) % size)
        )
        inside = (here >= 0) & (here < units) & (there >= 0) & (there < units)
        first, landed = start + here * stride, start + there * stride
        whole = (first >= 0) & (first + seen <= size)
        # Wrapped pixels: the first `shift` ones, or the last `-shift`.
        kept = (landed >= max(shift, 0)) & (landed + seen <= size + min(shift, 0))
        pixels.append(here)
        lands.append(there)
        clean.append((inside, inside & whole & kept))
    interior = all(inner.any() for _, inner in clean)
    masks = [inner if interior else inside for inside, inner in clean]
    a, b = before.astype("float64"), after.astype("float64")
    for along, here, there, mask in zip(tensor, pixels, lands, masks, strict=True):
        a = np.take(a, here[mask], axis=along.dim)
        b = np.take(b, there[mask], axis=along.dim)
    rest = tuple(range(1, a.ndim))
    norms = [np.sqrt((x**2).sum(rest)) for x in (a - b, a, b)]
    return float((norms[0] / ((norms[1] + norms[2]) / 2 + _TINY)).mean()), interior


def _stability(
    before: np.ndarray, after: np.ndarray
) -> tuple[float | None, float | None]:
    if before.ndim != 2 or before.shape[1] < 2:
        return None, None
    before, after = _probabilities(before), _probabilities(after)
    same = before.argmax(-1) == after.argmax(-1)
    return same.mean(), (np.abs(before - after).sum(-1) / 2).mean()


def _probabilities(answers: np.ndarray) -> np.ndarray:
    answers = answers.astype("float64")
    if (answers >= 0).all() and np.allclose(answers.sum(-1), 1, atol=1e-3):
        return answers
    powers = np.exp(answers - answers.max(-1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return shares
