"""Resolve the argument `weights` of `build` to a source of weights."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_cnnzoo.cards import Preprocessing, Weights
from keras_cnnzoo.registry import card, weights_of
from keras_cnnzoo.weights import download, hub

#: Words that stand for the tag of the card's most accurate source.
BEST = ("default", "imagenet")
SUFFIXES = (".safetensors", ".npz", ".pth", ".pt", ".th", ".tar", ".h5", ".keras")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where weights come from, and what is known about them before they are read.

    Attributes:
        model: The name of the model that they are for.
        name: Their name in messages.
        arrays: The arrays by name, if they are in memory.
        path: The file, if it is on this machine.
        address: The address on the hub, if no row of the card has it.
        row: Their row on the model's card; None if it is unknown.
        tags: The tags on the card, if its rows differ in preprocessing or options and
            the row is unknown; else empty.
    """

    model: str
    name: str
    arrays: Mapping[str, Any] | None = None
    path: Path | None = None
    address: str | None = None
    row: Weights | None = None
    tags: tuple[str, ...] = field(default=())

    @property
    def preprocessing(self) -> Preprocessing | None:
        """How their training images were normalised; None if the row is unknown."""
        if self.row is None:
            return None
        return self.row.preprocessing or card(self.model).preprocessing

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of the architecture that they were trained with."""
        return {} if self.row is None else self.row.options

    @property
    def classes(self) -> int | None:
        """Number of classes; None for the family's default."""
        return None if self.row is None else self.row.classes

    @property
    def of_twin(self) -> bool:
        """Whether the library that published the family's networks downloads them."""
        given = self.path is not None or self.arrays is not None
        return self.row is not None and self.row.by_library and not given

    def file(self) -> Path:
        """Return the path of the file, downloading it if necessary.

        Raises:
            DownloadError: The file cannot be downloaded.
            ValueError: They are not published as a file that can be read.
        """
        if self.path is not None:
            return self.path
        row = self.row
        if row is None:
            return hub.fetch(str(self.address))
        if row.hub is not None:
            return hub.fetch(hub.address(row), sha256=row.sha256)
        if not _can_be_had(row):
            raise ValueError(
                f"{row.tag!r} is no file that can be fetched and read. {row.url} says "
                "where it is; pass weights=(tag, path) for your copy, as .npz, "
                ".safetensors or .pth."
            )
        return download.fetch(row.url, sha256=row.sha256)


def resolve(name: str, weights: Any) -> Source:
    """Resolve `weights` for a model, before anything is built or downloaded.

    Args:
        name: A model of the zoo.
        weights: "default", "imagenet", a tag or row of the model's card, an address on
            the hub, a path, a mapping of names to arrays, or a tag with a path or
            mapping, `(tag, path)`. A `Source` is returned as it is.

    Returns:
        The source. A file whose digest is on the card is recognised as that row.

    Raises:
        FileNotFoundError: There is no file at the path.
        TypeError: `weights` is of none of these types.
        ValueError: It is neither a path nor a tag on the card.
    """
    if isinstance(weights, Source):
        return weights
    if isinstance(weights, tuple) and len(weights) == 2:
        tag, where = weights
        return _given(name, where, _tagged(name, tag))
    if isinstance(weights, Weights):
        return _of_row(name, weights)
    if isinstance(weights, str) and weights.startswith(hub.PREFIX):
        return _on_hub(name, weights)
    if isinstance(weights, str) and not weights.endswith(SUFFIXES):
        return _of_row(name, _chosen(name, weights))
    return _given(name, weights, None)


def _chosen(name: str, word: str) -> Weights:
    known = [weights for weights in weights_of(name) if _can_be_had(weights)]
    if word in BEST and known:
        return max(known, key=lambda w: max((c.value for c in w.claims), default=0.0))
    return _tagged(name, word)


def _tagged(name: str, tag: str) -> Weights:
    known = {weights.tag: weights for weights in weights_of(name)}
    if tag not in known:
        raise ValueError(
            f"{name!r} has no weights {tag!r}. Published with it: "
            f"{', '.join(map(repr, known)) or 'none'}. A path to a file "
            f"({', '.join(SUFFIXES)}) or {hub.PREFIX}owner/repo will do."
        )
    return known[tag]


def _of_row(name: str, row: Weights) -> Source:
    return Source(model=name, name=row.tag, row=row)


def _on_hub(name: str, address: str) -> Source:
    repository, file, revision = hub.parse(address)
    for row in weights_of(name):
        pinned = revision in (None, row.revision)
        if row.hub == repository and file == hub.FILE and pinned:
            return Source(model=name, name=address, row=row)
    tags = _contested(name)
    return Source(model=name, name=address, address=address, tags=tags)


def _given(name: str, where: Any, row: Weights | None) -> Source:
    """Resolve a file or arrays that the caller has."""
    if isinstance(where, Mapping):
        tags = _contested(name) if row is None else ()
        return Source(model=name, name="a mapping", arrays=where, row=row, tags=tags)
    if not isinstance(where, str | os.PathLike):
        raise TypeError(
            "`weights` is a tag, a path, a mapping of names to arrays, or (tag, path). "
            f"Received: {where!r}"
        )
    path = Path(where)
    if not path.is_file():
        raise FileNotFoundError(f"There is no weights file {str(path)!r}.")
    row = row or _recognized(name, path)
    tags = _contested(name) if row is None else ()
    called = str(path) if row is None else row.tag
    return Source(model=name, name=called, path=path, row=row, tags=tags)


def _recognized(name: str, path: Path) -> Weights | None:
    """Find the row of the card that states the digest of a file."""
    digests = [
        (weights, digest)
        for weights in weights_of(name)
        for digest in (weights.sha256, weights.copy_sha256)
        if digest
    ]
    if not digests:
        return None
    found = download.digest(path)
    known = (w for w, digest in digests if found.startswith(digest.lower()))
    return next(known, None)


def _contested(name: str) -> tuple[str, ...]:
    """List the card's tags, if its rows differ in preprocessing or options.

    The list is empty if all rows agree with each other and with the card.
    """
    own = card(name).preprocessing
    rows = weights_of(name)
    ways = {_colors(own), *(_colors(w.preprocessing or own) for w in rows)}
    options = {(), *(tuple(sorted(w.options.items())) for w in rows)}
    return tuple(w.tag for w in rows) if len(ways) > 1 or len(options) > 1 else ()


def _colors(seen: Preprocessing) -> tuple[Any, ...]:
    def rounded(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(round(value, 2) for value in values)

    return rounded(seen.mean), rounded(seen.std), seen.order


def _can_be_had(weights: Weights) -> bool:
    """Tell whether the weights can be downloaded, rather than only read about."""
    return (
        weights.by_library or weights.hub is not None or weights.url.endswith(SUFFIXES)
    )
