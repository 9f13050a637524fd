"""Write an interactive page that shows a network at work on your own images."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.files import write_text
from keras_cnnzoo.inspect.attribution.precision import full_precision
from keras_cnnzoo.inspect.figures.pictures import as_picture
from keras_cnnzoo.inspect.hooks.inputs import batch_of_images
from keras_cnnzoo.inspect.report.costs import costs
from keras_cnnzoo.inspect.report.layer_data import Blocks, fill
from keras_cnnzoo.inspect.report.manifest import (
    about_images,
    about_layer,
    about_methods,
    about_model,
    show,
)
from keras_cnnzoo.inspect.report.page import make_page
from keras_cnnzoo.inspect.report.predictions import (
    DEFAULT,
    attribute,
    check_methods,
    rank,
)
from keras_cnnzoo.inspect.report.rows import list_entries

#: Shares of the page's size for feature maps, and for the numbers from which pixels are
#: computed. They are tried in order, since the compressed size is not known before.
SHARES = ((0.5, 0.25), (0.35, 0.15), (0.2, 0.1), (0.1, 0.05), (0.0, 0.0))


def explain(
    model: keras.Model,
    images: Any,
    path: str | os.PathLike[str],
    *,
    class_names: Sequence[str] | None = None,
    captions: Sequence[str] | None = None,
    pictures: Sequence[Any] | None = None,
    attributions: Sequence[str] = DEFAULT,
    max_megabytes: float = 15.0,
) -> Path:
    """Write an interactive page that shows a network at work on some images.

    The page is one HTML file that loads nothing else. For each layer it shows the
    feature maps, the filters, the images that activate each channel most, output size
    and cost, the receptive field of each pixel, and how the pixel is computed from its
    window. It also shows the predictions, and which pixels support each.

    Large layers are shown in part, and the page says so: only the channels that the
    images activate most, and the computation of only their highest pixels. In small
    layers, the computation of every pixel is shown.

    Args:
        model: Any built Keras model with one image input.
        images: A batch of images, preprocessed unless the model does that itself.
        path: The `.html` file. It is written completely or not at all.
        class_names: A name for each class.
        captions: A caption for each image, such as its file name.
        pictures: The pictures to show for the images. None shows the images themselves,
            scaled to visible colours.
        attributions: The methods that explain the predictions, by their names in
            `keras_cnnzoo.inspect`.
        max_megabytes: The largest size of the file. With more or larger images, fewer
            channels are shown.

    Returns:
        The path of the file.

    Raises:
        ValueError: `images` is not a batch; there is not one caption and picture per
            image, or one name per class; an attribution method is unknown; or not even
            one channel per layer fits into `max_megabytes`.
        OSError: The file cannot be written. An existing file is unchanged.

    Example:
        >>> import tempfile
        >>> conv = keras.layers.Conv2D(4, 3)
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), conv])
        >>> page = Path(tempfile.mkdtemp(), "report.html")
        >>> explain(model, np.zeros((1, 8, 8, 3)), page).stat().st_size < 200_000
        True
    """
    check_methods(attributions)
    batch = batch_of_images(model, images)
    for name, given in (("captions", captions), ("pictures", pictures)):
        if given is not None and len(given) != len(batch):
            raise ValueError(
                f"`{name}` has one for each image. Received {len(given)} for "
                f"{len(batch)} images."
            )
    with full_precision():
        entries, answers, left_out = list_entries(model, batch)
        ranked, kind = rank(answers, class_names)
        maps, failed = attribute(model, batch, ranked, attributions)
        rows, whole = costs(model, entries, batch.shape[1:])
        shown = show(model, batch) if pictures is None else map(as_picture, pictures)
        names = captions or [f"image {i + 1}" for i in range(len(batch))]
        about = about_methods(attributions, failed, kind) | {
            "model": about_model(model, batch.shape[1:], whole, left_out),
            "images": about_images(list(shown), names, ranked, maps),
        }

        def draft(share: Sequence[float]) -> str:
            room = [max_megabytes * 1e6 * part for part in share]
            blocks = fill(model, batch, entries, room)
            layers = [about_layer(e, blocks) | rows[e.path] for e in entries]
            title = f"{model.name}, layer by layer"
            return make_page(title, {"layers": layers, **about}, _arrays(blocks, maps))

        text = _within(max_megabytes, draft)
    write_text(path, text)
    return Path(path)


def _within(megabytes: float, draft: Callable[[Sequence[float]], str]) -> str:
    """Return the draft of the page with the most data that is small enough."""
    for share in SHARES:
        text = draft(share)
        size = len(text.encode()) / 1e6
        if size <= megabytes:
            return text
    raise ValueError(
        f"With a single channel of each layer the page has {size:.1f} MB. Give fewer "
        f"images or smaller ones, or raise max_megabytes={megabytes:g}."
    )


def _arrays(
    blocks: Blocks, attributions: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, Mapping[str, np.ndarray]]:
    """Return the arrays of each block of the page by its id."""
    found: dict[str, Mapping[str, np.ndarray]] = {}
    for path, kernels in blocks.kernels.items():
        found[f"k:{path}"] = kernels
    for i, rows in enumerate(blocks.maps):
        found |= {f"m:{i}:{path}": arrays for path, arrays in rows.items()}
        if attributions[i]:
            found[f"a:{i}"] = attributions[i]
    return found
