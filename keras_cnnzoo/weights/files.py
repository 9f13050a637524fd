"""Read the arrays of a weights file, without running code or building models."""

import json
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from keras_cnnzoo.npy_header import npy_header
from keras_cnnzoo.weights import content
from keras_cnnzoo.weights.hdf5 import open_legacy
from keras_cnnzoo.weights.keras_files import open_saved, open_weights
from keras_cnnzoo.weights.stored import NUMBERS, Arrays, Stored, in_memory
from keras_cnnzoo.weights.torch_files import describe, read_torch

#: Keys under which training scripts store state dicts, the preferred one first.
_ENTRIES = (
    *("state_dict", "model_state_dict", "model", "net", "network", "params"),
    *("state_dict_ema", "model_ema", "ema_state_dict", "ema", "params_ema"),
    *("teacher", "student"),
)
#: Prefixes that wrapper modules of PyTorch add to every name.
_PREFIXES = ("module.", "_orig_mod.", "model.")
#: The most bytes of arrays that `read` unpacks, as a multiple of the file's size.
_UNPACKED = 16


@contextmanager
def open_arrays(path: Path, entry: str | None = None) -> Iterator[Arrays]:
    """Open a file, and give its arrays by name; each is read only on demand.

    Args:
        path: The file.
        entry: Key of the state dict to take, for a checkpoint that holds several; None
            takes the first and warns of the others.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is of no known kind, damaged, or holds no arrays.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no weights file {str(path)!r}.")
    kind = next((end for end in _READERS if path.name.endswith(end)), None)
    if kind is None:
        raise ValueError(
            f"{path.name!r} is of no known kind. Weights are read from "
            f"{', '.join(_READERS)} files."
        )
    with named(path, kind):
        content.check(path)
        opened = _READERS[kind](path, entry)
        arrays = opened.__enter__()
    try:
        yield {name: _careful(x, path, kind) for name, x in arrays.items()}
    finally:
        opened.__exit__(None, None, None)


@contextmanager
def named(path: Path, kind: str) -> Iterator[None]:
    """Turn any exception of a reader into a `ValueError` that names the file."""
    try:
        yield
    except ImportError:
        raise
    except Exception as error:
        raise ValueError(f"{str(path)!r} cannot be read as {kind}: {error}.") from error


def _careful(array: Stored, path: Path, kind: str) -> Stored:
    def read() -> np.ndarray:
        with named(path, kind):
            return array.read()

    return Stored(array.shape, array.kind, read)


def read(path: Path | str, entry: str | None = None) -> dict[str, np.ndarray]:
    """Return the arrays of a file by their names in it.

    Args:
        path: A `.safetensors`, `.npz`, `.h5`, `.weights.h5`, `.keras`, `.pth`, `.pt`,
            `.th` or `.pth.tar` file.
        entry: Key of the state dict to take, such as "state_dict_ema", for a
            checkpoint that holds several; None takes the first and warns of the others.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is of no known kind, damaged, holds no arrays, or declares
            arrays far larger than itself.
    """
    path = Path(path)
    with open_arrays(path, entry) as arrays:
        declared = sum(4 * array.size for array in arrays.values())
        size = path.stat().st_size
        if declared > _UNPACKED * size:
            raise ValueError(
                f"{str(path)!r} declares {declared:,} bytes of arrays and has {size:,} "
                "in all, so it is not read."
            )
        return {name: array.read() for name, array in arrays.items()}


def tidy(arrays: Mapping[str, Any], entry: str | None = None) -> dict[str, np.ndarray]:
    """Unwrap a checkpoint to plain names and NumPy arrays.

    Args:
        arrays: A state dict of PyTorch, or a checkpoint that holds one.
        entry: Key of the state dict, such as "state_dict_ema"; None finds it, and if
            there are several takes the first and warns of the others.

    Raises:
        ValueError: It holds no arrays, or no such entry.

    Example:
        >>> import numpy as np
        >>> checkpoint = {"epoch": 3, "state_dict": {"module.fc.bias": np.zeros(2)}}
        >>> tidy(checkpoint)
        {'fc.bias': array([0., 0.])}
    """
    return {name: array.read() for name, array in unwrap(arrays, entry).items()}


def unwrap(arrays: Mapping[str, Any], entry: str | None = None) -> dict[str, Stored]:
    """Do the same as `tidy`, without reading the arrays."""
    arrays = _entry(arrays, entry)
    found = {
        str(name): array
        for name, value in arrays.items()
        if (array := _stored(value)) is not None
    }
    if not found:
        raise ValueError(f"no arrays are in it, only: {', '.join(map(str, arrays))}")
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): x for name, x in found.items()}
    return found


def _entry(arrays: Mapping[str, Any], entry: str | None) -> Mapping[str, Any]:
    if entry is not None:
        if not isinstance(inner := arrays.get(entry), Mapping):
            known = [key for key, value in arrays.items() if isinstance(value, Mapping)]
            raise ValueError(
                f"it has no state dict {entry!r}. It has: {', '.join(known) or 'none'}"
            )
        return inner
    there = [key for key in _ENTRIES if isinstance(arrays.get(key), Mapping)]
    if not there:
        return arrays
    first, *others = there
    if others:
        warnings.warn(
            f"The checkpoint has several state dicts; {first!r} is taken. For another, "
            f"read it with `keras_cnnzoo.weights.read(path, entry=...)`: "
            f"{', '.join(map(repr, others))}.",
            stacklevel=2,
        )
    return _entry(arrays[first], None)


def _stored(value: Any) -> Stored | None:
    if isinstance(value, Stored):
        return value
    if hasattr(value, "detach"):
        return describe(value)
    if not hasattr(value, "__array__"):
        return None
    array = np.asarray(value)
    return in_memory({"": array})[""] if array.dtype.kind in NUMBERS else None


@contextmanager
def _torch(path: Path, entry: str | None) -> Iterator[Arrays]:
    yield unwrap(read_torch(path), entry)


@contextmanager
def _safetensors(path: Path, entry: str | None) -> Iterator[Arrays]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file, path.open("rb") as raw:
        length = int.from_bytes(raw.read(8), "little")
        header = json.loads(raw.read(length))

        def stored(name: str) -> Stored:
            about = header[name]
            shape, start = tuple(about["shape"]), about["data_offsets"][0]

            def read() -> np.ndarray:
                if about["dtype"] != "BF16":
                    return np.asarray(file.get_tensor(name))
                raw.seek(8 + length + start)  # NumPy does not know this type
                count = int(np.prod(shape, dtype="int64"))
                half = np.frombuffer(raw.read(2 * count), ml_dtypes.bfloat16)
                return half.astype("float32").reshape(shape)

            return Stored(shape, "f" if "F" in about["dtype"] else "i", read)

        names = [name for name in file.keys() if header[name]["dtype"] != "BOOL"]  # noqa: SIM118
        yield unwrap({name: stored(name) for name in names}, entry)


@contextmanager
def _npz(path: Path, entry: str | None) -> Iterator[Arrays]:
    with np.load(path, allow_pickle=False) as file, zipfile.ZipFile(path) as archive:
        found = {}
        for name in file.files:
            member = f"{name}.npy" if f"{name}.npy" in archive.namelist() else name
            with archive.open(member) as raw:
                header = npy_header(raw)
            if header is None:
                continue
            shape, dtype = header
            size = archive.getinfo(member).file_size
            if int(np.prod(shape, dtype="object")) * dtype.itemsize > size:
                raise ValueError(f"{name!r} declares more than it holds")
            if dtype.kind in NUMBERS:
                found[name] = Stored(shape, dtype.kind, _reader(file, name))
        yield unwrap(found, entry)


def _reader(file: Any, name: str) -> Callable[[], np.ndarray]:
    return lambda: np.asarray(file[name])


def _unwrapped(
    opener: Callable[[Path], AbstractContextManager[dict[str, Stored]]],
) -> Callable[[Path, str | None], AbstractContextManager[Arrays]]:
    return lambda path, entry: opener(path)


_READERS: dict[str, Callable[[Path, str | None], AbstractContextManager[Arrays]]] = {
    ".safetensors": _safetensors,
    ".npz": _npz,
    ".weights.h5": _unwrapped(open_weights),
    ".h5": _unwrapped(open_legacy),
    ".keras": _unwrapped(open_saved),
    **dict.fromkeys((".pth", ".pt", ".th", ".pth.tar"), _torch),
}
