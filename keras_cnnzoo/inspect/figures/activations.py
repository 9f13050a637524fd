"""Draw feature maps side by side."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_cnnzoo.axes import move_channels_last, standardize_data_format
from keras_cnnzoo.inspect.figures.style import (
    BLUE,
    ORANGE,
    QUIET,
    caption,
    draw_map,
    grid,
    new_figure,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure


def plot_activations(
    maps: Any,
    *,
    image: int = 0,
    limit: int = 32,
    order: str = "strength",
    scale: str = "own",
    title: str | None = None,
    data_format: str | None = None,
) -> "Figure":
    """Draw the feature maps of one layer or several.

    Zero is white, positive values are blue and negative ones orange. Only if the range
    does not include zero, the value nearest to it is white. Feature maps
    of a single pixel are drawn as bars, one per channel. If there are several images,
    only one is drawn, and the title says which.

    Args:
        maps: A batch of feature maps, `(batch, height, width, channels)`; those of one
            image, without the batch dimension; or a mapping from layers' paths to
            either, as `activations` returns it. In a mapping, arrays that are not
            feature maps are skipped.
        image: Index of the image in the batch.
        limit: The most channels to draw per layer.
        order: "strength" draws the channel with the highest peak first, "number" keeps
            the order of the channels.
        scale: "own" scales the colours of each channel to its own range, "common" to
            the range of the layer.
        title: Title of the figure.
        data_format: Data format of the maps, "channels_last" or "channels_first"; None
            uses Keras's setting.

    Returns:
        The figure, with one axes per channel, titled with the channel's number.

    Raises:
        ValueError: There is no feature map, or no such image, order, scale or format.

    Example:
        >>> figure = plot_activations(np.zeros((8, 8, 3)), order="number")
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['0', '1', '2']
    """
    form = standardize_data_format(data_format)
    for name, given, known in (
        ("order", order, ("strength", "number")),
        ("scale", scale, ("own", "common")),
    ):
        if given not in known:
            raise ValueError(f"`{name}` is one of {known}. Received: {given!r}")
    if isinstance(maps, Mapping):
        layers = {p: x for p, x in maps.items() if np.ndim(x) in (3, 4)}
    else:
        layers = {"": maps}
    if not layers:
        raise ValueError(
            f"There is no map of height and width in {list(maps)}. Tap layers that "
            "give maps, such as layers='*conv*'."
        )
    chosen = {path: _of_one_image(x, image, form) for path, x in layers.items()}
    counts = [len(x) for x in layers.values() if np.ndim(x) == 4]
    if counts and max(counts) > 1:
        which = f"image {image % max(counts)} of {max(counts)}"
        title = f"{title}, {which}" if title else which
    grids = [
        (1, 1) if x.shape[:2] == (1, 1) else grid(min(limit, x.shape[-1]))
        for x in chosen.values()
    ]
    # One strip of small pictures for each layer.
    height = sum(0.35 + 1.3 * rows for rows, _ in grids)
    figure = new_figure(10.4, height + 0.4 * bool(title), title)
    shares = [rows + 0.3 for rows, _ in grids]
    strips = figure.subfigures(len(chosen), 1, squeeze=False, height_ratios=shares)
    rows = zip(strips[:, 0], chosen.items(), grids, strict=True)
    for strip, (path, x), shape in rows:
        if path:
            text = f"{path}   {'×'.join(map(str, x.shape))}"
            strip.suptitle(text, fontsize=10, x=0.01, ha="left")
        if x.shape[:2] == (1, 1):
            _draw_bars(strip, x[0, 0])
        else:
            _draw(strip, x, shape, order, scale)
    return figure


def _of_one_image(maps: Any, image: int, data_format: str) -> np.ndarray:
    """Return the feature maps of one image, `(height, width, channels)`."""
    array = keras.ops.convert_to_numpy(maps).astype("float32")
    if array.ndim == 4:
        if not -len(array) <= image < len(array):
            raise ValueError(f"There are {len(array)} images. Received: image={image}")
        array = array[image]
    if array.ndim != 3:
        raise ValueError(
            "Maps are (height, width, channels), or a batch of these. Received an "
            f"array of shape {array.shape}."
        )
    return move_channels_last(array, data_format)


def _draw_bars(strip: "SubFigure", values: np.ndarray) -> None:
    """Draw the values of one-pixel feature maps as bars."""
    axes = strip.subplots()
    colours = [BLUE if value >= 0 else ORANGE for value in values]
    axes.bar(range(len(values)), values, color=colours, width=1.0)
    plain(axes, "channel", "")
    axes.set_xlim(-0.5, len(values) - 0.5)
    axes.axhline(0, color=QUIET, lw=0.6)


def _draw(
    strip: "SubFigure", x: np.ndarray, shape: tuple[int, int], order: str, scale: str
) -> None:
    rows, columns = shape
    peaks = x.max(axis=(0, 1))
    numbers = (
        np.argsort(-peaks, kind="stable") if order == "strength" else range(len(peaks))
    )
    cells = strip.subplots(rows, columns, squeeze=False).ravel()
    for axes, channel in zip(cells, numbers, strict=False):
        values = x[..., channel]
        ends = x if scale == "common" else values
        draw_map(axes, values, float(ends.min()), float(ends.max()))
        caption(axes, str(channel))
    for axes in cells[len(peaks) :]:
        axes.remove()
