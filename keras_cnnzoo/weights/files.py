"""Read the arrays of a weights file. Nothing is ever unpickled."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]

#: What training scripts wrap a state dict in.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "state_dict_ema", "net")
#: What wrapping modules put before every name.
_PREFIXES = ("module.", "_orig_mod.", "model.")


def read(path: Path) -> Arrays:
    """Return the arrays of a file by the names they have there.

    Raises:
        ValueError: The file is of no known kind, damaged, or holds no arrays.
    """
    kind = next((end for end in _READERS if path.name.endswith(end)), None)
    if kind is None:
        raise ValueError(
            f"{path.name!r} is of no known kind. Weights are read from "
            f"{', '.join(_READERS)}, .weights.h5 and .keras files."
        )
    try:
        arrays = _READERS[kind](path)
    except ImportError:
        raise
    except Exception as error:  # each reader has its own errors for a damaged file
        raise ValueError(
            f"{str(path)!r} cannot be read as {kind}; it may be cut short or damaged: "
            f"{error}"
        ) from error
    return tidy(arrays)


def tidy(arrays: Mapping[str, Any]) -> Arrays:
    """Unwrap a checkpoint to plain names and NumPy arrays.

    Raises:
        ValueError: No arrays are in it.
    """
    for wrapper in _WRAPPERS:
        if isinstance(inner := arrays.get(wrapper), Mapping):
            arrays = inner
    found = {
        name: array
        for name, value in arrays.items()
        if (array := _array(value)) is not None
    }
    if not found:
        raise ValueError(f"No arrays are in it, only: {', '.join(map(str, arrays))}.")
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): x for name, x in found.items()}
    return found


def _array(value: Any) -> np.ndarray | None:
    if hasattr(value, "detach"):  # a torch tensor; bfloat16 is unknown to NumPy
        value = value.detach().cpu()
        value = value.float() if value.is_floating_point() else value
        return value.numpy()
    if not hasattr(value, "__array__"):
        return None
    value = np.asarray(value)
    return value if value.dtype.kind in "fiu" else None


def _read_torch(path: Path) -> Mapping[str, Any]:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"Reading {path.name!r} needs PyTorch: pip install 'keras-cnnzoo[torch]', "
            "or convert the file to .safetensors."
        ) from error
    return torch.load(path, map_location="cpu", weights_only=True)


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    from safetensors.numpy import load_file

    return load_file(path)


def _read_npz(path: Path) -> Mapping[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def _read_h5(path: Path) -> Mapping[str, Any]:
    from keras_cnnzoo.weights.hdf5 import read_legacy

    return read_legacy(path)


_READERS = {
    ".safetensors": _read_safetensors,
    ".npz": _read_npz,
    ".h5": _read_h5,
    **dict.fromkeys((".pth", ".pt", ".th", ".pth.tar"), _read_torch),
}
