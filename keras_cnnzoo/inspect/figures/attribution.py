"""Draw attributions over the image that they explain."""

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

#: Opacity of the highest value over the image.
OPACITY = 0.8


def plot_attribution(
    image: Any,
    maps: Any,
    *,
    title: str | None = None,
    captions: Sequence[str] | None = None,
) -> "Figure":
    """Draw one or several images, each beside its attributions.

    Args:
        image: `(height, width, channels)`, or a batch of images. `as_picture` converts
            its values for display.
        maps: Attributions in 0..1, in the image's size: `(height, width)` for one
            image, `(batch, height, width)` for several. To draw several attributions
            side by side, pass a mapping from names to such arrays, or for one image a
            sequence of them.
        title: Title of the figure.
        captions: A caption for each image; None numbers them if there are several.

    Raises:
        ValueError: A map does not have the size of the image, or the number of maps or
            captions is not the number of images.

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
    """Return a pale grey copy of a picture, so that colours over it stand out."""
    grey = picture if picture.ndim == 2 else picture.mean(axis=-1)
    return np.rint(64 + 0.65 * grey).astype("uint8")
