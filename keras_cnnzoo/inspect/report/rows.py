"""The rows of a report: each layer call, with statistics of its output per image."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import keras
import numpy as np

from keras_cnnzoo.inspect.report.layer_outputs import Call, run_image

#: Layers that only add padding, which is not worth a row.
PADDING = (keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D)


@dataclass(frozen=True)
class Seen:
    """Statistics of one layer's output for one image, one value per channel.

    Attributes:
        high, low, mean: The feature map's highest, lowest and mean value.
        zeros: Share of exact zeros.
        place: Index of the highest pixel, counted row by row.
        digest: Hash of the whole output, to find equal outputs.
    """

    high: np.ndarray
    low: np.ndarray
    mean: np.ndarray
    zeros: np.ndarray
    place: np.ndarray
    digest: bytes


@dataclass
class Entry:
    """One row: a layer call.

    Attributes:
        path: Path of the layer; with `:1` and so on for further calls.
        layer: The layer.
        shape: `(height, width, channels)` of its output; None if that is neither a
            feature map nor a vector.
        given: The same for its first input.
        seen: The statistics for each image.
        passes_on: Whether the layer has no weights, and its output equals its input for
            every image or only adds padding.
        same_as: An earlier row with the same output, such as a block's last layer for
            the block.
    """

    path: str
    layer: keras.layers.Layer
    shape: tuple[int, ...] | None
    given: tuple[int, ...] | None
    seen: list[Seen] = field(default_factory=list)
    passes_on: bool = True
    same_as: str | None = None

    @property
    def pixels(self) -> int:
        """The number of pixels of a feature map; 0 if there is none."""
        return 0 if self.shape is None else self.shape[0] * self.shape[1]


def list_entries(
    model: keras.Model, images: Iterable[np.ndarray]
) -> tuple[list[Entry], list[np.ndarray | None], Counter[str]]:
    """Run every image through a model, and list the layer calls with their statistics.

    Returns:
        The rows in the order of the calls, the model's outputs, and how many layers of
        each class were left out because they did not change their input.
    """
    rows: dict[str, Entry] = {}

    def see(call: Call) -> None:
        maps, given = call.map, call.given
        entry = rows.get(call.path)
        if entry is None:
            entry = rows[call.path] = Entry(
                call.path,
                call.layer,
                None if maps is None else maps.shape,
                None if given is None else given.shape,
            )
        # A layer or block with weights gets a row even if it changes nothing.
        idle = maps is not None and not call.layer.weights
        entry.passes_on &= idle and (
            isinstance(call.layer, PADDING) or _equal(given, maps)
        )
        if maps is not None:
            entry.seen.append(_measure(maps))

    answers = [run_image(model, image, see) for image in images]
    left_out = Counter(
        type(row.layer).__name__ for row in rows.values() if row.passes_on
    )
    kept = [row for row in rows.values() if not row.passes_on]
    _find_equals(kept)
    return kept, answers, left_out


def _equal(given: np.ndarray | None, maps: np.ndarray | None) -> bool:
    return given is not None and maps is not None and np.array_equal(given, maps)


def _measure(maps: np.ndarray) -> Seen:
    flat = maps.reshape(-1, maps.shape[-1])
    place = flat.argmax(axis=0)
    return Seen(
        high=flat.max(axis=0),
        low=flat.min(axis=0),
        mean=flat.mean(axis=0),
        zeros=(flat == 0).mean(axis=0, dtype="float32"),
        place=place.astype("int32"),
        digest=hashlib.blake2b(
            flat.tobytes(), digest_size=16, key=str(maps.shape).encode()
        ).digest(),
    )


def _find_equals(rows: list[Entry]) -> None:
    first: dict[tuple[bytes, ...], str] = {}
    for row in rows:
        if row.seen:
            key = tuple(seen.digest for seen in row.seen)
            earlier = first.setdefault(key, row.path)
            row.same_as = None if earlier == row.path else earlier
