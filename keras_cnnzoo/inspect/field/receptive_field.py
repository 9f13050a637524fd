"""The receptive field of each layer: which pixels its units depend on."""

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
    """Return the receptive field of each layer's units.

    Every operation is traced from the image on, through nested models, blocks and
    subclassed models. The rules:

    - A unit sees a pixel if it depends on it by any path. Along each axis, the field is
      the smallest interval that holds all these pixels. `region` of the result gives
      the exact pixels of one unit. `size` and `stride` hold for all units, so after
      upsampling `size` may be up to a stride too large for a single unit.
    - Padding counts as part of the image, whatever its values are.
    - A unit that averages over a whole feature map, normalises over it or attends to it
      sees all of it. So after a squeeze-and-excite gate or split attention, each unit
      sees the whole image.
    - An operation without a rule is assumed to see its whole input, and a warning says
      so once. Your own operations are traced if they use `keras.ops`. Other code
      between a model's layers is assumed to work pixel by pixel if it keeps height and
      width, and to see its whole input if not.
    - A layer in a `TimeDistributed` sees each time step separately.

    Args:
        model: Any built Keras model with one image input.
        layers: Which layers; see `find`.
        input_shape: Shape of one image; None uses the model's own. If a size is not
            known, strides are assumed to divide the sizes of the feature maps.
        averages: Whether a value that is the same for all units of a feature map, such
            as a gate or the mean in a normalisation, widens the field of the units it
            is combined with. False ignores it.
        empirical: Whether to measure the field with gradients instead: the bounding box
            of the pixels with a non-zero gradient, for a unit in the middle of the
            feature map, over a few noise images. It lies within the computed field, and
            is smaller if weights are zero or the field extends past the image.
        threshold: With `empirical`, gradients above this share of the largest count.
            Luo et al. call the pixels above 0.0455 the effective field.

    Returns:
        Fields by path, in the order of the calls; further calls of a layer are at
        `path:1`, `path:2` and so on. Layers whose output does not depend on the image
        are left out. A notebook shows the result as a table.

    Raises:
        ValueError: The model takes several inputs, its image size is needed and not
            known, or it cannot be traced.

    Source:
        Araujo et al., "Computing Receptive Fields of Convolutional Neural Networks",
        Distill, 2019, https://doi.org/10.23915/distill.00021; Luo et al.,
        "Understanding the Effective Receptive Field in Deep Convolutional Neural
        Networks", 2016, https://arxiv.org/abs/1701.04128, for the measured field.

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
