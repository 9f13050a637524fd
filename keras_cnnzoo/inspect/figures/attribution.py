"""Attributions laid over the image that they explain."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_cnnzoo.inspect.figures.pictures import as_picture, brighten
from keras_cnnzoo.inspect.figures.style import (
    caption,
    draw_picture,
    heat_colours,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: How strongly the highest value covers the image.
OPACITY = 0.8


def plot_attribution(
    image: Any,
    maps: Any,
    *,
    title: str | None = None,
    captions: Sequence[str] | None = None,
) -> "Figure":
    """Draw an image, or several one below the other, and attributions over each.

    Args:
        image: `(height, width, channels)`, or a batch of such; shown as `as_picture`
            has it.
        maps: Attributions of that size in 0..1: `(height, width)` of one image,
            `(batch, height, width)` of several; or several side by side, as a mapping
            of names to such, or a sequence for one image.
        title: At the top.
        captions: A caption for each image; None numbers them where there are several.

    Raises:
        ValueError: A map has another size than the image, or there is not one for each
            image.

    Example:
        >>> figure = plot_attribution(np.zeros((8, 8, 3)), {"saliency": np.eye(8)})
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['image', 'saliency']
    """
    batch = np.asarray(image)
    images = list(batch) if batch.ndim == 4 else [batch]
    if captions is None:
        several = len(images) > 1
        captions = [f"image {i}" if several else "image" for i in range(len(images))]
    if len(captions) != len(images):
        raise ValueError(
            f"There are {len(images)} images and {len(captions)} captions."
        )
    named = _named(maps, len(images))
    count = 1 + len(named)
    height = 2.95 * len(images) + 0.35 * bool(title)
    figure = new_figure(2.7 * count, height, title)
    grid = figure.subplots(len(images), count, squeeze=False)
    for row, one in enumerate(images):
        picture = as_picture(one)
        draw_picture(grid[row, 0], picture)
        caption(grid[row, 0], captions[row])
        for axes, (name, values) in zip(grid[row, 1:], named.items(), strict=True):
            _lay_over(axes, picture, name, values[row])
    return figure


def _lay_over(axes: "Axes", picture: np.ndarray, name: str, values: np.ndarray) -> None:
    """Draw an attribution over a pale copy of its image."""
    if values.shape != picture.shape[:2]:
        raise ValueError(
            f"The map {name!r} is {values.shape}, and the image is "
            f"{picture.shape[:2]}. Attributions have the size of the image."
        )
    draw_picture(axes, _grey(picture))
    shown = brighten(values)
    opacity = OPACITY * np.sqrt(shown)
    axes.imshow(shown, cmap=heat_colours(), vmin=0, vmax=1, alpha=opacity)
    caption(axes, name)


def _named(maps: Any, images: int) -> dict[str, np.ndarray]:
    """Return the maps of all images by name."""
    if isinstance(maps, Mapping):
        named = dict(maps)
    elif isinstance(maps, list | tuple) and images == 1:
        named = {str(i): values for i, values in enumerate(maps)}
    else:
        named = {"": maps}
    found = {}
    for name, values in named.items():
        array = np.clip(np.asarray(values, "float32"), 0, 1)
        array = array[None] if array.ndim == 2 else array
        if len(array) != images:
            raise ValueError(
                f"There are {len(array)} maps {name!r} and {images} images. Pass the "
                "images as a batch, one for each map."
            )
        found[name] = array
    return found


def _grey(picture: np.ndarray) -> np.ndarray:
    """Return a paler grey picture, over which colours can be told apart."""
    grey = picture if picture.ndim == 2 else picture.mean(axis=-1)
    return np.rint(64 + 0.65 * grey).astype("uint8")
