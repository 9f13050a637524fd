"""Read the weights that Keras 3 saves, without building the model in the file.

A `.weights.h5` file, which every `.keras` file also contains, has one group per layer.
A group's path is made of attribute and class names, but the group also stores the
layer's name. The arrays in it are numbered in the order of the layer's variables.
"""

import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import h5py
import keras
import ml_dtypes
import numpy as np

from keras_cnnzoo.weights.hdf5 import check_declared, stored
from keras_cnnzoo.weights.stored import NUMBERS, Arrays, Stored

#: The group that holds a layer's own arrays, next to the groups of its sublayers.
_VARS = "vars"
#: Groups of a model, or of a nested model, that hold no layer's weights.
_OTHERS = ("optimizer", "metrics", "compile_metrics", "loss", "_loss", "_metrics")
_MEMBER = "model.weights.h5"
#: The member of a `.keras` file that describes the model.
CONFIG = "config.json"
#: An archive may unpack to `_UNPACKED` times its size plus `_SMALL` bytes, because
#: the model's description can be long even if its weights are small.
_UNPACKED, _SMALL = 4, 1 << 22


@contextmanager
def open_weights(path: Path) -> Iterator[dict[str, Stored]]:
    """Open a `.weights.h5` file, and give its arrays by "layer/number".

    Raises:
        ValueError: It holds no named layers, or declares more than it holds.
        OSError: It is not an HDF5 file, or is cut short.
    """
    with h5py.File(path, "r") as file:
        yield _arrays(file, path.stat().st_size)


@contextmanager
def open_saved(path: Path) -> Iterator[dict[str, Stored]]:
    """Open a `.keras` file, and give its arrays by "layer/number".

    The architecture that it describes is ignored.

    Raises:
        ValueError: It holds no weights, or declares more than it holds.
        OSError: Its weights are not an HDF5 file, or are cut short.
    """
    with _weights_of(path) as (file, size):
        yield _arrays(file, size)


def count_saved(path: Path) -> int:
    """Return the total number of parameters of the layers in a `.keras` file.

    Raises:
        ValueError: It holds no weights, or declares more than it holds.
        OSError: Its weights are not an HDF5 file, or are cut short.
    """
    with _weights_of(path) as (file, size):
        arrays, _ = _datasets(file)
        check_declared(arrays, size)
        return sum(array.size for array in arrays.values() if array.shape is not None)


def check_archive(path: Path) -> None:
    """Check the unpacked sizes that the members of a `.keras` file declare.

    Raises:
        ValueError: The model's description is missing or far too long, or the members
            are far larger than the file.
    """
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: member.file_size for member in archive.infolist()}
    if CONFIG not in members:
        raise ValueError(f"it holds no {CONFIG}, only {', '.join([*members][:5])}")
    if members[CONFIG] > max(_SMALL, size // _UNPACKED):
        raise ValueError(f"its {CONFIG} declares {members[CONFIG]:,} bytes")
    if (declared := sum(members.values())) > _UNPACKED * size + _SMALL:
        raise ValueError(f"it declares {declared:,} bytes and has {size:,} in all")


@contextmanager
def _weights_of(path: Path) -> Iterator[tuple[h5py.File, int]]:
    """Open the weights in a `.keras` file, and give them with their size in bytes."""
    with zipfile.ZipFile(path) as archive:
        if _MEMBER not in archive.namelist():
            raise ValueError(
                f"it holds no {_MEMBER}, only {', '.join(archive.namelist()[:5])}"
            )
        member = archive.getinfo(_MEMBER)
        if member.file_size > _UNPACKED * path.stat().st_size + _SMALL:
            raise ValueError(
                f"it declares {member.file_size:,} bytes of weights and has "
                f"{path.stat().st_size:,} in all"
            )
        with _opened(archive, member, path) as content, h5py.File(content) as file:
            yield file, member.file_size


@contextmanager
def _opened(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path
) -> Iterator[Any]:
    """Open a member as a seekable file; an uncompressed one is not copied."""
    if member.compress_type != zipfile.ZIP_STORED:
        yield io.BytesIO(archive.read(member))
        return
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(30)
        lengths = header[26:28], header[28:30]
        behind = sum(int.from_bytes(length, "little") for length in lengths)
        start = member.header_offset + len(header) + behind
        yield _Part(file, start, member.file_size)


class _Part(io.RawIOBase):
    """A range of bytes of an open file, as a file object."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}
        self._at = base[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._at)
        content = self._file.read(min(len(buffer), max(self._size - self._at, 0)))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


def _datasets(file: h5py.File) -> tuple[dict[str, h5py.Dataset], dict[str, str]]:
    """Return the layers' arrays by HDF5 path, and the layers' names by group path."""
    names: dict[str, str] = {}
    arrays: dict[str, h5py.Dataset] = {}

    def note(place: str, item: Any) -> None:
        group, _, leaf = place.rpartition("/")
        if not set(place.split("/")).isdisjoint(_OTHERS):
            return
        if isinstance(item, h5py.Dataset):
            arrays[place] = item
        elif leaf == _VARS and isinstance(item.attrs.get("name"), str) and group:
            names[group] = item.attrs["name"]

    file.visititems(note)  # it does not follow links out of the file
    return arrays, names


def _arrays(file: h5py.File, size: int) -> dict[str, Stored]:
    arrays, names = _datasets(file)
    if not names:
        raise ValueError(
            "it does not name its layers, as files of Keras 3.6 and later do. Load it "
            "with `model.load_weights` and save it again"
        )
    check_declared(arrays, size)
    found = {}
    for place, array in arrays.items():
        group, _, number = place.rpartition(f"/{_VARS}/")
        parts = group.split("/")
        outer = ("/".join(parts[: i + 1]) for i in range(len(parts)))
        path = "/".join(names[name] for name in outer if name in names)
        half = array.attrs.get("dtype") == "bfloat16"
        # Random layers store their seeds among the weights.
        if path.rpartition("/")[2].startswith("seed_generator"):
            continue
        if half or array.dtype.kind in NUMBERS:
            found[f"{path}/{number}"] = _wide(array) if half else stored(array)
    return found


def _wide(array: h5py.Dataset) -> Stored:
    def read() -> np.ndarray:
        half = np.asarray(array[()]).view(ml_dtypes.bfloat16)
        return np.asarray(half, dtype="float32")

    return Stored(tuple(array.shape), "f", read)


def by_path(arrays: Arrays, model: keras.Model) -> dict[str, Stored]:
    """Rename arrays from "layer/number" to the paths of a model's variables.

    If the file's model contained this one as a nested model, the names in it begin
    with this model's name, which is removed. Arrays that belong to no variable keep
    their names.
    """
    paths: dict[str, str] = {}
    kinds: dict[str, str] = {}
    members: dict[str, int] = defaultdict(int)
    for variable in model.weights:
        layer = variable.path.rpartition("/")[0]
        name = f"{layer}/{members[layer]}"
        members[layer] += 1
        paths[name] = variable.path
        integer = "int" in keras.backend.standardize_dtype(variable.dtype)
        kinds[name] = "iu" if integer else "f"
    if not any(name in paths for name in arrays):
        arrays = {name.partition("/")[2] or name: x for name, x in arrays.items()}
    return {
        # A quantised layer's integers are not the values of a floating-point variable.
        paths[name] if x.kind in kinds.get(name, "") else name: x
        for name, x in arrays.items()
    }
