"""Draw the kernels of a convolution."""

from typing import TYPE_CHECKING

import keras
import numpy as np

from keras_cnnzoo.inspect.figures.style import (
    caption,
    draw_map,
    draw_picture,
    grid,
    new_figure,
)
from keras_cnnzoo.structure.kernels import has_kernels, kernels
from keras_cnnzoo.structure.paths import Selection, find

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: For filters with many input channels: the most filters, and slices of each, to draw.
DEEP, SLICES = 12, 12


def plot_filters(
    model: keras.layers.Layer,
    layer: Selection | None = None,
    *,
    limit: int = 64,
    title: str | None = None,
) -> "Figure":
    """Draw the filters of a convolution.

    A filter with one input channel is drawn with zero white, positive weights blue and
    negative ones orange. A filter with three is drawn as a small colour image, in which
    grey is zero. Otherwise each row shows one filter: its slices with the largest norm,
    each titled with the number of its input channel.

    Args:
        model: A model, or a convolution itself.
        layer: The layer of the model, as `find` takes it. None uses the first that has
            filters.
        limit: The most filters to draw; at most 12 where each takes a row.
        title: Title of the figure; None describes the layer and says how many of its
            filters are drawn where that is not all.

    Raises:
        ValueError: `layer` does not match exactly one layer.
        TypeError: The layer has no filters.

    Example:
        >>> conv = keras.layers.Conv2D(4, 3)
        >>> conv.build((None, 8, 8, 3))
        >>> len(plot_filters(conv).axes)
        4
    """
    path, chosen = _choose(model, layer)
    kernel = kernels(chosen)
    height, width, inputs, filters = kernel.shape
    whole = inputs in (1, 3)
    count = min(limit, filters) if whole else min(limit, DEEP, filters)
    text = title or f"{path}: {filters} filters of {height}×{width}×{inputs}"
    if count < filters and not title:
        text += f", the first {count}"
    if whole:
        rows, columns = grid(count, widest=12)
        figure = new_figure(0.9 * columns + 0.2, 1.04 * rows + 0.45, text)
        cells = figure.subplots(rows, columns, squeeze=False).ravel()
        for number, axes in enumerate(cells):
            if number < count:
                _draw_whole(axes, kernel[..., number])
                caption(axes, str(number))
            else:
                axes.remove()
        return figure
    slices = min(SLICES, inputs)
    figure = new_figure(0.9 * slices + 0.6, 1.05 * count + 0.5, text)
    cells = figure.subplots(count, slices, squeeze=False)
    for number, row in enumerate(cells):
        own = kernel[..., number]
        norms = np.square(own).sum(axis=(0, 1))
        bound = float(np.abs(own).max())
        for axes, channel in zip(row, np.argsort(-norms, kind="stable"), strict=False):
            draw_map(axes, own[..., channel], -bound, bound)
            caption(axes, str(channel))
        row[0].set_ylabel(str(number), rotation=0, ha="right", va="center", labelpad=8)
    return figure


def _choose(
    model: keras.layers.Layer, layer: Selection | None
) -> tuple[str, keras.layers.Layer]:
    if layer is None and has_kernels(model):
        return model.name, model
    if layer is None:
        able = {p: one for p, one in find(model, "*").items() if has_kernels(one)}
        if not able:
            raise TypeError(f"{model.name!r} holds no convolution, and has no filters.")
        return next(iter(able.items()))
    found = find(model, layer)
    if len(found) > 1:
        raise ValueError(
            f"`layer` names one layer. {layer!r} matches {len(found)}: "
            f"{', '.join(found)}."
        )
    return next(iter(found.items()))


def _draw_whole(axes: "Axes", kernel: np.ndarray) -> None:
    bound = float(np.abs(kernel).max()) or 1.0
    if kernel.shape[-1] == 1:
        draw_map(axes, kernel[..., 0], -bound, bound)
    else:
        draw_picture(axes, np.rint(127.5 + 127.5 / bound * kernel).astype("uint8"))
