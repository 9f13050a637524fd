"""What part of the image each unit of each layer can see."""

from typing import Any

import keras

from keras_cnnzoo.call_path import CallPath
from keras_cnnzoo.inspect.field.following import as_receptive_field, fields_of_layers
from keras_cnnzoo.inspect.field.measured import measured_boxes
from keras_cnnzoo.inspect.field.region import ReceptiveField, ReceptiveFields
from keras_cnnzoo.structure.paths import Selection, find
from keras_cnnzoo.structure.shapes import data_format, image_shape

__all__ = ["ReceptiveField", "receptive_field"]


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
      it counts. `region` of the result tells exactly which pixels one unit sees; the
      size and stride that hold for all units may be up to a stride wider where maps
      were enlarged.
    - Padding counts as image, with whatever it is filled.
    - What averages over a map, normalises over it or attends to it sees all of it: so
      behind a squeeze-and-excite gate or split attention, each unit sees everything.
    - An operation that is not known sees everything, and a warning says so once. An
      operation of your own that is made of `keras.ops` is followed. Code of a model
      that is not `keras.ops`, between its layers, is taken to work pixel by pixel where
      sizes stay, and to see everything where they change.
    - A layer in a `TimeDistributed` sees each step by itself.

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
        `path:2` and so on. Layers that the image does not reach are left out. A
        notebook shows it as a table.

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
    of_tensors = {
        path: seen
        for path, seen in fields_of_layers(model, shape, averages).items()
        if CallPath.parse(path, chosen).layer in chosen
    }
    form = data_format(model)
    fields = ReceptiveFields(
        (path, as_receptive_field(f, form)) for path, f in of_tensors.items()
    )
    if not empirical:
        return fields
    boxes = measured_boxes(model, chosen, of_tensors, shape, threshold)
    return ReceptiveFields(
        (path, _measured(box, fields[path])) for path, box in boxes.items()
    )


def _measured(box: Any, field: ReceptiveField) -> ReceptiveField:
    axes = list(zip(box.unit, box.first, box.last, field.stride, strict=True))
    return ReceptiveField(
        size=tuple(last - first + 1 for _, first, last, _ in axes),
        stride=field.stride,
        start=tuple(first - unit * stride for unit, first, _, stride in axes),
    )
