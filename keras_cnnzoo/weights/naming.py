"""Translate our variables' names to those of other libraries."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from keras_cnnzoo.cards import NameMap, Rename

#: Other libraries' words for the last part of a variable's name, by layout.
LEAVES = {
    "torch": {
        "kernel": "weight",
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    },
    "keras": {},
    "tflite": {"kernel": "weight", "beta": "bias"},
}
#: Counters of PyTorch, and statistics of an `InstrumentedConv2D`.
_RECORDED = re.compile(
    r"num_batches_tracked$|/statistics/(?:\d|mean|variance|zeros|maximum|calls)$"
)


def is_recorded(name: str) -> bool:
    """Tell whether an array records a layer's past inputs and is not a weight.

    It does not affect the outputs. So a file may lack it, or hold it unused.
    """
    return _RECORDED.search(name) is not None


class Place(NamedTuple):
    """The name of one of our variables in another library's file, and its rank."""

    name: str
    rank: int | None = None


def places(paths: Sequence[str], name_map: NameMap) -> dict[str, Place]:
    """Return each of our variables' place in the file, by its path."""
    leaves = LEAVES[name_map.layout]
    names = []
    for path in paths:
        layer, _, leaf = path.replace("/", ".").rpartition(".")
        names.append(f"{layer}.{leaves.get(leaf, leaf)}")
    steps = name_map.renames(names) if callable(name_map.renames) else name_map.renames
    return {path: _rename(name, steps) for path, name in zip(paths, names, strict=True)}


def _rename(name: str, steps: Iterable[Rename]) -> Place:
    rank = None
    for pattern, replacement, own_rank in steps:
        name, changed = re.subn(pattern, replacement, name)
        rank = own_rank if changed and own_rank is not None else rank
    return Place(name, rank)


def best_map(
    names: Iterable[str], maps: Mapping[str, NameMap], paths: Sequence[str]
) -> tuple[NameMap | None, dict[str, Place]]:
    """Choose our own names or the family's name map that finds the most variables.

    Returns:
        The name map, or None for our own names, and the places of the variables that
        were found.
    """
    there = set(names)
    ours = {path: Place(path) for path in paths}
    found: list[tuple[NameMap | None, dict[str, Place]]] = []
    for name_map in (None, *maps.values()):
        everywhere = ours if name_map is None else places(paths, name_map)
        known = {path: at for path, at in everywhere.items() if at.name in there}
        found.append((name_map, known))
    return max(found, key=lambda pair: len(pair[1]))
