"""What `build(..., weights=...)` may say, and where that leads."""

import warnings
from pathlib import Path
from typing import Any

import keras

from keras_cnnzoo.models import keras_applications
from keras_cnnzoo.registry import card
from keras_cnnzoo.weights import imagenet
from keras_cnnzoo.weights.loading import load

KERAS = ("default", "imagenet")
SUFFIXES = (".safetensors", ".npz", ".pth", ".pt", ".th", ".tar", ".h5", ".keras")


def load_source(model: keras.Model, source: Any, **options: Any) -> None:
    """Load weights into a freshly built model, keeping all that fits.

    A head of another number of classes stays fresh and a first convolution of other
    input channels is adapted; either is said in one warning.

    Args:
        model: A model of the zoo.
        source: "default", "imagenet", a tag of the model's card, or a path.
        **options: Options of the architecture that the model was built with.

    Raises:
        FileNotFoundError: `source` is a path, and there is no file.
        ValueError: `source` is not known, or more than the head does not fit.
    """
    about = card(model.name)
    is_path = not isinstance(source, str) or source.endswith(SUFFIXES)
    # Files of Keras Applications are .h5, by their own networks' layers.
    theirs = str(source).endswith(".h5") if is_path else source in KERAS
    if theirs and about.source == keras_applications.FAMILY.source:
        imagenet.load(model, source if is_path else "imagenet", **options)
        return
    if not is_path:
        tags = ", ".join(repr(weights.tag) for weights in about.weights) or "none"
        raise ValueError(
            f"{model.name!r} has no weights {source!r}. Published with it: {tags}. A "
            f"path to a file ({', '.join(SUFFIXES)}) will do."
        )
    report = load(model, Path(source), strict=False)
    head = model.layers[-1].path if model.layers else ""
    foreign = [v for v in report.mismatched if not v.startswith(f"{head}/")]
    if foreign or report.missing:
        raise ValueError(f"{str(source)!r} is not of {model.name!r}: {report}.")
    if not report.complete or report.adapted:
        warnings.warn(f"{model.name!r}: {report}.", stacklevel=3)
