"""Read HDF5 files of Keras 2, which name their arrays by layer.

A small HDF5 file can declare huge arrays, or refer to data in other files. So nothing
is read before all declared arrays are known to be stored in the file itself.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from keras_cnnzoo.weights.stored import NUMBERS, Stored

#: The group of a saved model's weights; the optimizer's variables are outside it.
MODEL = "model_weights/"
#: Bytes that a chunk may always have, even if its array is smaller.
_CHUNK = 1 << 20


@contextmanager
def open_legacy(path: Path) -> Iterator[dict[str, Stored]]:
    """Open a Keras 2 file, and give its arrays by "layer/variable".

    If several variables of a layer have the same last name, as in a nested model, their
    full names are used.

    Raises:
        ValueError: The file names no layers, or declares more than it holds.
        OSError: It is not an HDF5 file, or is cut short.
    """
    size = path.stat().st_size
    with h5py.File(path, "r") as file:
        layers: set[str] = set()
        arrays: dict[str, h5py.Dataset] = {}

        def note(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                arrays[name] = item
            elif "weight_names" in item.attrs:
                layers.add(name)

        file.visititems(note)  # it does not follow links out of the file
        if any(name.startswith(MODEL) for name in arrays):
            arrays = {n: x for n, x in arrays.items() if n.startswith(MODEL)}
        of_layers = _by_layer(arrays, layers)
        if not of_layers:
            raise ValueError(
                "no layer in it names its weights, as Keras 2 had it. Files of "
                "Keras 3 end in .weights.h5"
            )
        check_declared(arrays, size)
        found = {}
        for layer, members in of_layers.items():
            leaves = Counter(_leaf(member) for member in members)
            for member, array in members.items():
                leaf = _leaf(member)
                known = leaf if leaves[leaf] == 1 else member.rpartition(":")[0]
                found[f"{layer.removeprefix(MODEL)}/{known}"] = stored(array)
        yield found


def _by_layer(
    arrays: Mapping[str, h5py.Dataset], layers: set[str]
) -> dict[str, dict[str, h5py.Dataset]]:
    """Group arrays by layer: the innermost group around each that is a layer's."""
    found: dict[str, dict[str, h5py.Dataset]] = defaultdict(dict)
    for name, array in arrays.items():
        cuts = [m.start() for m in re.finditer("/", name)]
        owner = next((name[:i] for i in reversed(cuts) if name[:i] in layers), None)
        if owner is not None and array.dtype.kind in NUMBERS:
            found[owner][name[len(owner) + 1 :]] = array
    return found


def _leaf(member: str) -> str:
    """Return "kernel" for "conv1/kernel:0"."""
    return member.rpartition("/")[2].partition(":")[0]


def stored(array: h5py.Dataset) -> Stored:
    """Describe an array of an open file."""

    def read() -> np.ndarray:
        return np.asarray(array[()])

    return Stored(tuple(array.shape or ()), array.dtype.kind, read)


def check_declared(arrays: Mapping[str, h5py.Dataset], size: int) -> None:
    """Refuse declared arrays that a file of `size` bytes cannot hold.

    Raises:
        ValueError: The arrays are larger than the file, or one of them is stored in
            another file or in chunks larger than itself.
    """
    declared = sum(array.nbytes for array in arrays.values() if array.shape is not None)
    if declared > size:
        raise ValueError(
            f"it declares {declared:,} bytes of arrays and has {size:,} in all"
        )
    for name, array in arrays.items():
        if array.external or array.is_virtual:
            raise ValueError(f"{name} lies in another file")
        piece = math.prod(array.chunks or ()) * array.dtype.itemsize
        if piece > max(array.nbytes, _CHUNK):
            raise ValueError(f"{name} is stored in pieces of {piece:,} bytes")
