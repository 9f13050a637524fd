"""What part of the image each unit of each layer can see."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_cnnzoo.call_path import CallPath
from keras_cnnzoo.inspect.field.intervals import Along, Field, Number, View, carry, join
from keras_cnnzoo.inspect.field.measured import probe
from keras_cnnzoo.inspect.field.operations import wiring
from keras_cnnzoo.inspect.trace.call_names import named
from keras_cnnzoo.inspect.trace.calls import LayerCall, Step
from keras_cnnzoo.inspect.trace.dataflow import dataflow
from keras_cnnzoo.structure.paths import Selection, find
from keras_cnnzoo.structure.shapes import image_shape, spatial_dims

#: Positions are sums of fractions; a pixel within this of an end is inside.
_CLOSE = 1e-6


@dataclass(frozen=True)
class ReceptiveField:
    """What the units of one layer see of the image, for each of the image's axes.

    Unit `i` sees the pixels from `start + i * stride` on, `size` of them. Pixels below
    0 and beyond the image are padding. Numbers are whole unless maps were enlarged.

    Attributes:
        size: Pixels seen. Infinite where the unit sees all of a map whose size is not
            known.
        stride: Pixels from one unit to the next; 0 where all see the same, as after
            global pooling.
        start: First pixel that unit 0 sees; the "effective padding", negated.
    """

    size: tuple[float, ...]
    stride: tuple[float, ...]
    start: tuple[float, ...]

    def region(
        self, unit: Sequence[int], image_size: Sequence[int] | None = None
    ) -> tuple[slice, ...]:
        """Return the pixels that one unit sees, as slices of the image's axes.

        Args:
            unit: Position of the unit in its map, such as (row, column).
            image_size: Size of the image, such as (height, width); what lies outside
                is cut off. Needed where a unit sees all of an image of unknown size.

        Example:
            >>> field = ReceptiveField((7, 7), (2, 2), (-3, -3))
            >>> field.region((0, 10)), field.region((0, 10), (224, 224))[0]
            ((slice(-3, 4, None), slice(17, 24, None)), slice(0, 4, None))
        """
        slices = []
        for axis, i in enumerate(unit):
            first = self.start[axis] + i * self.stride[axis]
            seen = self.size[axis]
            last = seen if math.isinf(seen) else first + seen - 1
            if image_size is not None:
                first, last = max(first, 0), min(last, image_size[axis] - 1)
            if math.isinf(first) or math.isinf(last):
                raise ValueError(
                    "The unit sees all of an image whose size is not known. Pass "
                    "`image_size=(height, width)`."
                )
            begin, end = math.ceil(first - _CLOSE), math.floor(last + _CLOSE) + 1
            slices.append(slice(begin, max(begin, end)))
        return tuple(slices)


def receptive_field(
    model: keras.Model,
    layers: Selection = "*",
    *,
    input_shape: tuple[int | None, ...] | None = None,
    averages: bool = True,
    empirical: bool = False,
    threshold: float = 0.0,
) -> dict[str, ReceptiveField]:
    """Return what the units of each layer see of the image.

    Every operation is followed from the image on, through nested models, blocks and
    subclassed models alike. The rules:

    - A unit sees what any path to it sees. Of each axis the least interval that holds
      it counts; where maps were enlarged, the interval is up to a stride wider.
    - Padding counts as image, with whatever it is filled.
    - What averages over a map, normalises over it or attends to it sees all of it: so
      behind a squeeze-and-excite gate or split attention, each unit sees everything.
    - An operation that is not known sees everything. Code of a model that is not
      `keras.ops`, between its layers, is taken to work pixel by pixel where sizes
      stay, and to see everything where they change.

    Args:
        model: Any built Keras model with one image input.
        layers: Which layers; see `find`.
        input_shape: Shape of one image; None takes the model's own. Where a size is
            not known, strides are taken to divide the maps.
        averages: Whether what is the same for all units of a map, as a gate's or a
            normalisation's average is, counts where it meets the map. False tells
            what a unit sees apart from it.
        empirical: Measure it: the box around the pixels on which the gradient of a
            unit in the middle of the map is not zero, over a few images of noise. It
            lies within the other. It is smaller where weights are zero, and where the
            image ends.
        threshold: With `empirical`, the least gradient that counts, as a share of the
            largest. Luo et al. call the pixels above 0.0455 the effective field.

    Returns:
        By path, in order of the calls; further calls of a layer are at `path:1`,
        `path:2` and so on. Layers that the image does not reach are left out.

    Raises:
        ValueError: The model takes several inputs, its image size is needed and not
            known, or it cannot be followed.

    Source:
        Araujo et al., "Computing Receptive Fields of Convolutional Neural Networks",
        Distill, 2019, https://doi.org/10.23915/distill.00021; Luo et al.,
        "Understanding the Effective Receptive Field in Deep Convolutional Neural
        Networks", 2016, https://arxiv.org/abs/1701.04128, for the measured one.

    Example:
        >>> model = keras.Sequential(
        ...     [
        ...         keras.Input((32, 32, 3)),
        ...         keras.layers.Conv2D(4, 5, padding="same", name="conv"),
        ...         keras.layers.MaxPooling2D(2, name="pool"),
        ...     ]
        ... )
        >>> receptive_field(model)["pool"]
        ReceptiveField(size=(6, 6), stride=(2, 2), start=(-2, -2))
    """
    shape = image_shape(model, input_shape)
    chosen = find(model, layers)
    seen = views(model, shape, averages)
    views_of = {
        path: view
        for path, view in seen.items()
        if CallPath.parse(path, chosen).layer in chosen
    }
    fields = {path: from_view(view) for path, view in views_of.items()}
    if not empirical:
        return fields
    boxes = probe(model, chosen, views_of, shape, threshold)
    return {path: _measured(box, fields[path]) for path, box in boxes.items()}


def views(
    model: keras.Model, shape: tuple[int | None, ...], averages: bool = True
) -> dict[str, View]:
    """Return what each layer's first output sees, along each axis of the image."""
    steps = dataflow(model, shape)
    known = look(steps, spatial_dims(model, 1 + len(shape)), averages)
    found = {}
    for path, step in named(model, steps):
        if step.outputs and id(step.outputs[0]) in known:
            found[path] = known[id(step.outputs[0])]
    return found


def look(
    steps: Sequence[Step], dims: Sequence[int], averages: bool = True
) -> dict[int, View]:
    """Return what each tensor of a model's steps sees, by the tensor's identity.

    Args:
        steps: As `dataflow` gives them; the last is the model's end.
        dims: The dimensions of the image that are its axes.
        averages: As for `receptive_field`.
    """
    image = tuple(Along(dim, Field()) for dim in dims)
    known: dict[int, View] = {}
    if steps and isinstance(steps[-1], LayerCall):
        known = {id(x): image for x in steps[-1].inputs}
    for step in steps:
        if isinstance(step, LayerCall):
            continue
        reached = [i for i, x in enumerate(step.tensors) if id(x) in known]
        given = [(i, known[id(step.tensors[i])]) for i in reached]
        for output in step.outputs if given else ():
            carried = [
                carry(view, step.tensors[i].shape, wiring(step, i, view))
                for i, view in given
            ]
            known[id(output)] = join(carried, output.shape, averages)
    return known


def from_view(view: View) -> ReceptiveField:
    """Put a view into whole numbers, where they are."""
    fields = [along.field for along in view]
    return ReceptiveField(
        size=tuple(_plain(_size(field)) for field in fields),
        stride=tuple(_plain(field.stride) for field in fields),
        start=tuple(_plain(field.low) for field in fields),
    )


def _size(field: Field) -> Number:
    reach = field.high - field.low
    return reach if math.isinf(reach) else math.floor(reach) + 1


def _plain(number: Number) -> float:
    return int(number) if number == number // 1 else float(number)


def _measured(box: Any, field: ReceptiveField) -> ReceptiveField:
    axes = list(zip(box.unit, box.first, box.last, field.stride, strict=True))
    return ReceptiveField(
        size=tuple(last - first + 1 for _, first, last, _ in axes),
        stride=field.stride,
        start=tuple(first - unit * stride for unit, first, _, stride in axes),
    )
