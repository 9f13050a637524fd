"""Draw the receptive field of a unit on the image."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_cnnzoo.axes import move_channels_last, spatial
from keras_cnnzoo.inspect.field.receptive_field import ReceptiveField, receptive_field
from keras_cnnzoo.inspect.figures.pictures import as_picture
from keras_cnnzoo.inspect.figures.style import INK, ORANGE, draw_picture, new_figure
from keras_cnnzoo.inspect.trace.layer_calls import layer_calls
from keras_cnnzoo.structure.paths import Selection
from keras_cnnzoo.structure.shapes import data_format

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: With more points than this per side, they would hide the image.
MAX_POINTS = 40


def plot_receptive_field(
    model: keras.Model,
    image: Any,
    layer: Selection,
    at: tuple[int, int] | None = None,
    *,
    title: str | None = None,
) -> "Figure":
    """Draw the receptive field of one unit of a layer on an image.

    The frame is the receptive field, which may extend past the image. The points are
    the centres of all units' receptive fields.

    Args:
        model: Any built Keras model with one image input.
        image: `(height, width, channels)`, in the model's input size.
        layer: The layer, as `find` takes it.
        at: Row and column of the unit; None uses the unit whose receptive field is
            closest to the middle of the image.
        title: Title of the figure; None states the field's size and stride.

    Returns:
        The figure. Its axes are in pixels of the image.

    Raises:
        ValueError: Not exactly one layer matches `layer` and depends on the image, or
            that layer has no such unit.

    Example:
        >>> conv = keras.layers.Conv2D(4, 3, name="conv")
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), conv])
        >>> figure = plot_receptive_field(model, np.zeros((8, 8, 3)), "conv", at=(0, 2))
        >>> figure.axes[0].get_title(loc="left")
        'conv, unit (0, 2): sees 3×3 pixels, step 1'
    """
    array = np.asarray(image, "float32")
    if array.ndim == 4 and len(array) > 1:
        raise ValueError(
            f"A receptive field is drawn on one image. Received {len(array)}: pass "
            "images[0]."
        )
    array = array[0] if array.ndim == 4 else array
    path, field = _of_one_layer(model, layer, array.shape)
    picture = as_picture(move_channels_last(array, data_format(model)))
    height, width = picture.shape[:2]

    centres = _centres(field, _map_size(model, path, array.shape))
    unit = at or tuple(
        int(np.abs(along - (side - 1) / 2).argmin())
        for along, side in zip(centres, (height, width), strict=True)
    )
    if not all(0 <= i < len(along) for i, along in zip(unit, centres, strict=True)):
        raise ValueError(
            f"{path!r} has {len(centres[0])}×{len(centres[1])} units, counted from 0. "
            f"Received: at={at}"
        )
    figure = new_figure(5, 5 * height / width + 0.5)
    axes = figure.subplots()
    draw_picture(axes, picture)
    axes.spines[:].set_visible(False)
    if max(map(len, centres)) <= MAX_POINTS:
        y, x = np.meshgrid(*centres, indexing="ij")
        axes.plot(x.ravel(), y.ravel(), ".", color="white", ms=4.5, mec=INK, mew=0.5)
    _frame(axes, field, unit, (height, width))
    rows, columns = field.size
    step = "×".join(f"{stride:g}" for stride in dict.fromkeys(field.stride))
    words = f"sees {rows:g}×{columns:g} pixels, step {step}"
    text = title or f"{path}, unit ({unit[0]}, {unit[1]}): {words}"
    axes.set_title(text, loc="left", fontsize=10)
    return figure


def _of_one_layer(
    model: keras.Model, layer: Selection, shape: tuple[int, ...]
) -> tuple[str, ReceptiveField]:
    found = receptive_field(model, layer, input_shape=shape)
    if len(found) != 1:
        raise ValueError(
            f"`layer` names one layer that the image reaches. {layer!r} matches "
            f"{len(found)}: {', '.join(found) or 'none'}."
        )
    return next(iter(found.items()))


def _centres(field: ReceptiveField, units: Sequence[int]) -> list[np.ndarray]:
    """Return the centres of the receptive fields of all units, along each axis."""
    return [
        field.start[i] + (field.size[i] - 1) / 2 + np.arange(n) * field.stride[i]
        for i, n in enumerate(units)
    ]


def _map_size(model: keras.Model, path: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return height and width of the feature map that a layer's call outputs."""
    for call in layer_calls(model, shape):
        own = str(call.path) == path
        if own and call.shape is not None and len(call.shape) == 4:
            return spatial(call.shape, call.data_format)
    return 1, 1


def _frame(
    axes: "Axes", field: ReceptiveField, unit: Sequence[int], size: tuple[int, int]
) -> None:
    """Draw the field, and extend the axes if it reaches past the image."""
    from matplotlib.patches import Rectangle

    top, left = (field.start[i] + unit[i] * field.stride[i] - 0.5 for i in (0, 1))
    rows, columns = field.size
    axes.add_patch(Rectangle((left, top), columns, rows, fill=False, ec=ORANGE, lw=2.2))
    # Extend each side by at most the size of the image, so that it stays visible.
    reach = max(size)
    ends = []
    for low, length, side in ((top, rows, size[0]), (left, columns, size[1])):
        before = max(min(-0.5, low - 1), -reach)
        ends.append((before, min(max(side - 0.5, low + length + 1), side + reach)))
    axes.set_ylim(*reversed(ends[0]))
    axes.set_xlim(*ends[1])
