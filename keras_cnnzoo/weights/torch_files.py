"""Read the arrays of PyTorch's checkpoints, without running any code in them."""

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_cnnzoo.weights.stored import NUMBERS, Stored

#: The most that an archive may unpack to, as a multiple of its size. PyTorch does not
#: compress its archives, so a larger one is not a file of PyTorch.
_UNPACKED = 4
#: Finds the type that PyTorch refuses to unpickle, in its error message.
_FOREIGN = re.compile(r"(?:GLOBAL|Unsupported class|type) ([\w.]*[A-Za-z_]\w*)")


def read_torch(path: Path) -> Mapping[str, Any]:
    """Return the content of a checkpoint; its tensors are memory-mapped if possible.

    Raises:
        ImportError: PyTorch is not installed.
        ValueError: The file is damaged, or holds objects that are not arrays.
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"Reading {path.name!r} needs PyTorch: pip install 'keras-cnnzoo[torch]', "
            "or convert the file to .safetensors."
        ) from error
    archive = zipfile.is_zipfile(path)
    if archive:
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
        unpacked = sum(member.file_size for member in members)
        if unpacked > _UNPACKED * path.stat().st_size:
            raise ValueError(
                f"it declares {unpacked:,} bytes and has {path.stat().st_size:,} in all"
            )
        archive = all(m.compress_type == zipfile.ZIP_STORED for m in members)
    try:
        # A memory-mapped tensor takes no memory until it is read.
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except Exception as error:
        # PyTorch's messages suggest unpickling the file, which would run its code.
        raise ValueError(_reason(error)) from None
    if not isinstance(found, Mapping):
        raise ValueError(f"it holds a {type(found).__name__} and no arrays by name")
    return found


def _reason(error: Exception) -> str:
    text = str(error)
    if "TorchScript" in text:
        return (
            "it is a TorchScript program and no checkpoint. Save the state dict of the "
            "module that it was made of"
        )
    objects = "Unsupported" in text or "not an allowed" in text or "GLOBAL" in text
    if isinstance(error, pickle.UnpicklingError) and objects:
        named = _FOREIGN.search(text)
        what = f" ({named[1]})" if named else ""
        return (
            f"it holds Python objects{what} beside arrays. Loading those can run any "
            "code, so the file is not opened. Ask whoever made it for the state dict "
            "alone, as .pth or .safetensors"
        )
    return "it is cut short or damaged, or was not written by PyTorch"


def describe(tensor: Any) -> Stored | None:
    """Describe a tensor of PyTorch without reading its values into memory."""
    if tensor.is_sparse or tensor.is_quantized or tensor.device.type == "meta":
        return None
    floating = tensor.is_floating_point()
    kind = "f" if floating else "u" if "uint" in str(tensor.dtype) else "i"
    if tensor.is_complex() or str(tensor.dtype) == "torch.bool" or kind not in NUMBERS:
        return None

    def read() -> Any:
        plain = tensor.detach().cpu()
        # NumPy has no bfloat16. The copy detaches the array from a memory-mapped file.
        wide = floating and plain.dtype.itemsize < 4
        return (plain.float() if wide else plain).numpy().copy()

    return Stored(tuple(tensor.shape), kind, read)
