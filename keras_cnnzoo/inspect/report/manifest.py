"""The page's data apart from its arrays: names, sizes, costs and predictions."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.inspect.figures.pictures import as_picture
from keras_cnnzoo.inspect.report.image_urls import as_url
from keras_cnnzoo.inspect.report.layer_data import Blocks
from keras_cnnzoo.inspect.report.layer_text import describe
from keras_cnnzoo.inspect.report.predictions import EXPLAINED, METHODS
from keras_cnnzoo.inspect.report.rows import Entry
from keras_cnnzoo.structure.shapes import spatial_dims


def about_model(
    model: keras.Model,
    image_shape: Sequence[int],
    whole: dict[str, int | None],
    left_out: Counter[str],
) -> dict[str, Any]:
    """Return the data for the head of the page."""
    dims = spatial_dims(model, 4)
    (channels,) = {1, 2, 3} - set(dims)
    size = [image_shape[dim - 1] for dim in (*dims, channels)]
    return {"name": model.name, "input": size, "left_out": left_out, **whole}


def about_images(
    pictures: Sequence[np.ndarray],
    captions: Sequence[str],
    answers: Sequence[list[Any]],
    attributions: Sequence[dict[str, np.ndarray]],
) -> list[dict[str, Any]]:
    """Return the data of each image; "blank" marks attributions that are all zero."""
    columns = zip(pictures, captions, answers, attributions, strict=True)
    return [
        {
            "caption": str(caption),
            "picture": as_url(picture),
            "answers": found,
            "blank": {name: ~x.any(axis=(1, 2)) for name, x in maps.items()},
        }
        for picture, caption, found, maps in columns
    ]


def about_methods(
    methods: Sequence[str], failed: dict[str, str], kind: str | None
) -> dict[str, Any]:
    """Return the kind of the predicted values, and the methods that explain them."""
    return {
        "kind": kind,
        "methods": {name: METHODS[name] for name in methods},
        "explained": EXPLAINED,
        "failed": failed,
    }


def about_layer(entry: Entry, blocks: Blocks) -> dict[str, Any]:
    """Return a layer's row of the page, without its costs."""
    return {
        "path": entry.path,
        "type": type(entry.layer).__name__,
        "text": describe(entry.layer),
        "shape": entry.shape,
        "given": entry.given,
        "same_as": entry.same_as,
        "channels": blocks.channels.get(entry.same_as or entry.path),
        "window": blocks.windows.get(entry.path),
    }


def show(model: keras.Model, batch: np.ndarray) -> list[np.ndarray]:
    """Convert a model's input images to pictures."""
    first = spatial_dims(model, 4) == (2, 3)
    return [as_picture(np.moveaxis(x, 0, -1) if first else x) for x in batch]
