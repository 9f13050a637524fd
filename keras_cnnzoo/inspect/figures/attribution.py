"""Attributions laid over the image that they explain."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_cnnzoo.inspect.figures.pictures import as_picture, brighten
from keras_cnnzoo.inspect.figures.style import caption, draw_picture, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: How strongly the highest value covers the image.
OPACITY = 0.8


def plot_attribution(image: Any, maps: Any, *, title: str | None = None) -> "Figure":
    """Draw an image, and attributions over it.

    Args:
        image: `(height, width, channels)`; shown as `as_picture` has it.
        maps: An attribution of that size in 0..1, `(height, width)`; or several side
            by side, as a mapping of names to such, or a sequence. Batches of one are
            taken as the one.
        title: At the top.

    Raises:
        ValueError: A map has another size than the image.

    Example:
        >>> figure = plot_attribution(np.zeros((8, 8, 3)), {"saliency": np.eye(8)})
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['image', 'saliency']
    """
    picture = as_picture(image)
    named = _named(maps)
    count = 1 + len(named)
    figure = new_figure(2.7 * count, 2.95 + 0.35 * bool(title), title)
    cells = figure.subplots(1, count, squeeze=False)[0]
    draw_picture(cells[0], picture)
    caption(cells[0], "image")
    grey = _grey(picture)
    for axes, (name, values) in zip(cells[1:], named.items(), strict=True):
        if values.shape != picture.shape[:2]:
            raise ValueError(
                f"The map {name!r} is {values.shape}, and the image is "
                f"{picture.shape[:2]}. Attributions have the size of the image."
            )
        draw_picture(axes, grey)
        shown = brighten(values)
        axes.imshow(
            shown, cmap="inferno", vmin=0, vmax=1, alpha=OPACITY * np.sqrt(shown)
        )
        caption(axes, name)
    return figure


def _named(maps: Any) -> dict[str, np.ndarray]:
    if isinstance(maps, Mapping):
        named = dict(maps)
    elif isinstance(maps, list | tuple):
        named = {str(i): values for i, values in enumerate(maps)}
    else:
        named = {"": maps}
    found = {}
    for name, values in named.items():
        array = np.asarray(values, "float32")
        found[name] = np.clip(
            array[0] if array.ndim == 3 and len(array) == 1 else array, 0, 1
        )
    return found


def _grey(picture: np.ndarray) -> np.ndarray:
    """Return a paler grey picture, over which colours can be told apart."""
    grey = picture if picture.ndim == 2 else picture.mean(axis=-1)
    return np.rint(64 + 0.65 * grey).astype("uint8")
