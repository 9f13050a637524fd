"""What `build(..., weights=...)` may say, and where that leads."""

import dataclasses
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
    """Return the row of a model's card that `source` means, or None.

    A file is known by its digest, where a row states it, or by the tag beside it in
    `(tag, path)`. The row that comes back then has the path for its address.

    Raises:
        ValueError: `source` is neither a path nor on the card.
    """
    if isinstance(source, Weights):
        return source
    if isinstance(source, tuple):
        tag, path = source
        return _at(_tagged(name, tag), path)
    if not isinstance(source, str) or source.endswith(SUFFIXES):
        return _recognized(name, Path(source))
    if source.startswith(hub.PREFIX):
        return None
    known = [weights for weights in weights_of(name) if _can_be_had(weights)]
    if source in BEST and known:
        return max(known, key=lambda w: max((c.value for c in w.claims), default=0.0))
    return _tagged(name, source)


def _tagged(name: str, tag: str) -> Weights:
    known = {weights.tag: weights for weights in weights_of(name)}
    if tag not in known:
        raise ValueError(
            f"{name!r} has no weights {tag!r}. Published with it: "
            f"{', '.join(map(repr, known)) or 'none'}. A path to a file "
            f"({', '.join(SUFFIXES)}) or {hub.PREFIX}owner/repo will do."
        )
    return known[tag]


def _recognized(name: str, path: Path) -> Weights | None:
    """Find the row that states the digest of a file."""
    stated = [weights for weights in weights_of(name) if weights.sha256]
    if not stated or not path.is_file():
        return None
    found = download.digest(path)
    for weights in stated:
        if found.startswith(str(weights.sha256).lower()):
            return _at(weights, path)
    return None


def _at(weights: Weights, path: Any) -> Weights:
    return dataclasses.replace(weights, url=str(path), hub=None, sha256=None)


def _can_be_had(weights: Weights) -> bool:
    """Tell whether there is a file to fetch, and not a page about it."""
    theirs = weights.source == keras_applications.FAMILY.source
    return theirs or weights.hub is not None or weights.url.endswith(SUFFIXES)


def _on_the_web(weights: Weights) -> bool:
    return weights.url.startswith(("https://", "http://"))


def load_source(model: keras.Model, source: Any, **options: Any) -> None:
    """Load weights into a freshly built model, keeping all that fits.

    A head of another number of classes stays fresh and a first convolution of other
    input channels is adapted; either is said in one warning.

    Args:
        model: A model of the zoo.
        source: "default", "imagenet", a tag of the model's card, a row of it, an
            address on the hub, a path, or `(tag, path)`.
        **options: Options of the architecture that the model was built with.

    Raises:
        FileNotFoundError: `source` is a path, and there is no file.
        DownloadError: `source` cannot be fetched.
        ValueError: `source` is not known, or more than the head does not fit.
    """
    row = find(model.name, source)
    what = source if row is None else row.tag
    # Files of Keras Applications are .h5, by their own networks' layers.
    theirs = row is not None or str(source).endswith(".h5")
    if theirs and card(model.name).source == keras_applications.FAMILY.source:
        local = row is None or not _on_the_web(row)
        imagenet.load(model, _file(source, row) if local else "imagenet", **options)
        return
    preprocessing = None if row is None else row.preprocessing
    report = load(model, _file(source, row), strict=False, preprocessing=preprocessing)
    layers = {layer.name: layer.path for layer in model.layers}
    # The head is the last layer, or a convolution that is averaged behind it.
    head = layers.get("head", model.layers[-1].path)
    foreign = [v for v in report.mismatched if not v.startswith(f"{head}/")]
    if foreign or report.missing:
        raise ValueError(f"{str(what)!r} is not of {model.name!r}: {report}.")
    # A model of features leaves the rest of the source aside, as it was asked to.
    if report.mismatched or report.adapted or (report.unused and "head" in layers):
        warnings.warn(f"{model.name!r}: {report}.", stacklevel=3)


def _file(source: Any, row: Weights | None) -> Path:
    """Return where the weights lie, after fetching them where need be."""
    if row is None:
        is_hub = str(source).startswith(hub.PREFIX)
        return hub.fetch(source) if is_hub else Path(source)
    if row.hub is not None:
        return hub.fetch(hub.PREFIX + row.hub)
    if not _on_the_web(row):
        return Path(row.url)
    if not _can_be_had(row):
        raise ValueError(
            f"{row.tag!r} is no file that can be fetched and read. {row.url} says "
            "where it is; pass weights=(tag, path) for your copy, as .npz, "
            ".safetensors or .pth."
        )
    return download.fetch(row.url, sha256=row.sha256)
