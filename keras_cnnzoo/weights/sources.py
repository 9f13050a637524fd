"""What `build(..., weights=...)` may say, and where that leads."""

import warnings
from pathlib import Path
from typing import Any

import keras

from keras_cnnzoo.cards import Weights
from keras_cnnzoo.models import keras_applications
from keras_cnnzoo.registry import card, weights_of
from keras_cnnzoo.weights import download, hub, imagenet
from keras_cnnzoo.weights.loading import load

#: Words for the best of a card's sources, instead of its tag.
BEST = ("default", "imagenet")
SUFFIXES = (".safetensors", ".npz", ".pth", ".pt", ".th", ".tar", ".h5", ".keras")


def find(name: str, source: Any) -> Weights | None:
    """Return the row of a model's card that `source` means; None for a path.

    Raises:
        ValueError: `source` is neither a path nor on the card.
    """
    if not isinstance(source, str) or source.endswith(SUFFIXES):
        return None
    if source.startswith(hub.PREFIX):
        return None
    known = weights_of(name)
    if source in BEST and known:
        return max(known, key=lambda w: max((c.value for c in w.claims), default=0.0))
    for weights in known:
        if source == weights.tag:
            return weights
    tags = ", ".join(repr(weights.tag) for weights in known) or "none"
    raise ValueError(
        f"{name!r} has no weights {source!r}. Published with it: {tags}. A path to a "
        f"file ({', '.join(SUFFIXES)}) or {hub.PREFIX}owner/repo will do."
    )


def load_source(model: keras.Model, source: Any, **options: Any) -> None:
    """Load weights into a freshly built model, keeping all that fits.

    A head of another number of classes stays fresh and a first convolution of other
    input channels is adapted; either is said in one warning.

    Args:
        model: A model of the zoo.
        source: "default", "imagenet", a tag of the model's card, an address on the
            hub, or a path.
        **options: Options of the architecture that the model was built with.

    Raises:
        FileNotFoundError: `source` is a path, and there is no file.
        DownloadError: `source` cannot be fetched.
        ValueError: `source` is not known, or more than the head does not fit.
    """
    row = find(model.name, source)
    # Files of Keras Applications are .h5, by their own networks' layers.
    theirs = row is not None or str(source).endswith(".h5")
    if theirs and card(model.name).source == keras_applications.FAMILY.source:
        imagenet.load(model, source if row is None else "imagenet", **options)
        return
    preprocessing = None if row is None else row.preprocessing
    report = load(model, _file(source, row), strict=False, preprocessing=preprocessing)
    head = model.layers[-1].path if model.layers else ""
    foreign = [v for v in report.mismatched if not v.startswith(f"{head}/")]
    if foreign or report.missing:
        raise ValueError(f"{str(source)!r} is not of {model.name!r}: {report}.")
    # A model of features leaves the rest of the source aside, as it was asked to.
    whole = "head" in {layer.name for layer in model.layers}
    if report.mismatched or report.adapted or (report.unused and whole):
        warnings.warn(f"{model.name!r}: {report}.", stacklevel=3)


def _file(source: Any, row: Weights | None) -> Path:
    """Return where the weights lie, after fetching them where need be."""
    if row is not None:
        if row.hub is not None:
            return hub.fetch(hub.PREFIX + row.hub)
        return download.fetch(row.url, sha256=row.sha256)
    if str(source).startswith(hub.PREFIX):
        return hub.fetch(source)
    return Path(source)
