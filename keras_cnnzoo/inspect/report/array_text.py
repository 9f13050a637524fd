"""Encode arrays as text that an HTML page can decode without a library."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

#: The page's name of each integer type. All are little-endian.
TYPES = {"u1": np.uint8, "i1": np.int8, "u2": np.uint16, "i4": np.int32}


def pack(arrays: Mapping[str, np.ndarray]) -> tuple[list[list[Any]], str]:
    """Encode arrays as one compressed text.

    Floats are stored as all first bytes, then all second bytes and so on. This
    compresses better, since neighbouring values have similar exponents. For the same
    reason feature maps, `u1` arrays of shape `(channels, height, width)`, are stored as
    differences from the pixel on the left.

    Args:
        arrays: Arrays by name, float32 or of a type in `TYPES`.

    Returns:
        The index, a list of `[name, type, shape]` in order; and the text, which is
        zlib-compressed and base64-encoded.
    """
    index: list[list[Any]] = []
    stream = bytearray()
    for name, array in arrays.items():
        kind = _kind(array)
        index.append([name, kind, list(array.shape)])
        stream += _bytes(array, kind)
    return index, base64.b64encode(zlib.compress(bytes(stream), 6)).decode("ascii")


def _kind(array: np.ndarray) -> str:
    if array.dtype == np.float32:
        return "f4"
    for name, dtype in TYPES.items():
        if array.dtype == dtype:
            return name
    raise TypeError(f"Arrays are of {[*TYPES, 'f4']}. Received: {array.dtype}")


def _bytes(array: np.ndarray, kind: str) -> bytes:
    if kind == "u1" and array.ndim == 3:
        return np.diff(array, axis=-1, prepend=np.uint8(0)).tobytes()
    array = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
    if kind == "f4":
        return array.reshape(-1).view(np.uint8).reshape(-1, 4).T.tobytes()
    return array.tobytes()


def quantise(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantise `(height, width, channels)` to 256 levels, channel by channel.

    Args:
        maps: Values of any range. Those that are not finite become the lowest level.

    Returns:
        The levels, uint8 `(channels, height, width)`; and each channel's lowest and
        highest value, float32 `(channels, 2)`. Level n stands for
        `low + n * (high - low) / 255`.
    """
    planes = np.moveaxis(np.asarray(maps, "float32"), -1, 0)
    finite = np.where(np.isfinite(planes), planes, np.nan)
    with np.errstate(all="ignore"):
        low = np.nan_to_num(np.nanmin(finite, axis=(1, 2)))
        high = np.nan_to_num(np.nanmax(finite, axis=(1, 2)))
        span = np.where(high > low, high - low, 1.0)
        levels = (finite - low[:, None, None]) / span[:, None, None] * 255
    whole = np.rint(np.nan_to_num(levels)).astype(np.uint8)
    return whole, np.stack([low, high], axis=1).astype("float32")


def as_json(value: Any) -> Any:
    """Convert NumPy arrays and numbers to types that the `json` module accepts."""
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, np.generic):
        return as_json(value.item())
    # JSON has no NaN or infinity, and JavaScript's parser accepts only JSON.
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
