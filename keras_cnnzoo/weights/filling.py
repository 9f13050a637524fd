"""Load the weights of a source into a model that was just built."""

import warnings
from typing import Any

import keras

from keras_cnnzoo.axes import channels
from keras_cnnzoo.registry import family_of
from keras_cnnzoo.weights import twin
from keras_cnnzoo.weights.channels import Normalization
from keras_cnnzoo.weights.loading import Plan, commit, plan
from keras_cnnzoo.weights.resolve import Source


class UnknownPreprocessingError(ValueError):
    """A file does not show which of the card's sources it comes from.

    Attributes:
        tags: The tags to choose from.
    """

    def __init__(self, source: Source) -> None:
        self.tags = source.tags
        super().__init__(
            f"The sources of {source.model!r} differ in preprocessing or options, and "
            f"{source.name} does not tell which it is of. Pass weights=(tag, path) "
            f"with one of: {', '.join(self.tags)}."
        )


def fill(model: keras.Model, source: Source, **options: Any) -> None:
    """Load weights into a freshly built model, as far as they fit.

    If the number of classes differs, the head keeps its initial weights. If the number
    of input channels differs, the first convolution is adapted. One warning reports
    both.

    Args:
        model: A model that the registry assembled.
        source: The source that `resolve` returned.
        **options: Options of the architecture that the model was built with.

    Raises:
        DownloadError: The source cannot be downloaded.
        UnknownPreprocessingError: The card's sources differ in preprocessing or
            options, and this source does not show which it is.
        ValueError: The source cannot be read, or layers besides the head do not fit.
    """
    head: set[str] = set()
    if _by_twin(source):
        theirs = twin.read(model, source, options)
        found = plan(
            model, theirs.arrays, strict=False, preprocessing=theirs.preprocessing
        )
        head = theirs.head
    else:
        what = source.file() if source.arrays is None else source.arrays
        found = plan(model, what, strict=False, preprocessing=source.preprocessing)
        if source.tags and not found.normalized:
            raise UnknownPreprocessingError(source)
    layers = {layer.name: layer.path for layer in model.layers}
    # The head is the layer "head", or else the last one.
    head = head or {layers.get("head", model.layers[-1].path)}
    _check(model, source, found, head)
    commit(model, found)
    report = found.report
    # A model without a head is not meant to use the source's head.
    whole = "head" in layers and not _by_twin(source)
    if (
        report.mismatched
        or report.adapted
        or report.missing
        or (report.unused and whole)
    ):
        warnings.warn(f"{model.name!r}: {report}.", stacklevel=3)


def _by_twin(source: Source) -> bool:
    """Tell whether the source uses the layer names of the other library's network.

    Files of Keras Applications are `.h5` files that name its own layers.
    """
    if family_of(source.model).twin is None:
        return False
    return source.of_twin or (
        source.path is not None and source.path.name.endswith(".h5")
    )


def _check(model: keras.Model, source: Source, found: Plan, head: set[str]) -> None:
    """Refuse a source that leaves layers besides the head unset."""
    report = found.report
    # A source without normalisation constants leaves the card's in place.
    constants = Normalization.of(model).paths
    missing = [path for path in report.missing if path not in constants]
    left = (*report.mismatched, *missing)
    allowed = report.mismatched if not _by_twin(source) else left
    foreign = [
        path
        for path in left
        if path not in allowed or path.rpartition("/")[0].split("/")[0] not in head
    ]
    if foreign:
        usual, given = family_of(source.model).input_shape[-1], channels(model.input)
        hint = ""
        if given not in (1, usual):
            hint = (
                f" Where it is of {usual} channels, this network's first layers cannot "
                f"be adapted to {given}."
            )
        raise ValueError(
            f"{source.name!r} is not of {model.name!r}, but of another network: "
            f"{report}.{hint}"
        )
