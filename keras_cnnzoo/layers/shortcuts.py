"""The shortcut of a residual block: options A, B and C of the ResNet paper."""

from typing import Any

from keras import ops


def choose(kind: str, arrives: Any, wanted: Any, strides: int, axis: int) -> str:
    """Choose the shortcut between two shapes: identity, projection, average or pad.

    Raises:
        ValueError: The shortcut's output does not have the shape `wanted`. This is
            checked here, since broadcasting would hide it.
    """
    same = strides == 1 and arrives[axis] == wanted[axis]
    if kind == "auto":
        kind = "identity" if same else "projection"
    elif kind in ("average", "pad") and same:
        kind = "identity"

    gives = list(arrives)
    if kind != "identity":
        for i in (1, 2) if axis == -1 else (2, 3):
            gives[i] = arrives[i] and -(-arrives[i] // strides)
        new = wanted[axis] - arrives[axis]
        if kind in ("average", "projection") or new > 0:
            gives[axis] = wanted[axis]
    pairs = zip(gives[1:], wanted[1:], strict=True)
    if any(a != b for a, b in pairs if a and b):
        raise ValueError(
            f"Shortcut and body cannot be added: the {kind} shortcut has "
            f"output shape {tuple(gives)}, the body {tuple(wanted)}. Use "
            "shortcut='auto', and set `strides` to those of the body."
        )
    return kind


def subsample(x: Any, *, strides: int, channels: int, axis: int) -> Any:
    """Take every n-th pixel, and add zero channels evenly on both sides."""
    new = channels - x.shape[axis]
    pads = [[0, 0]] * 4
    pads[axis] = [new // 2, new - new // 2]
    s = strides
    return ops.pad(x[:, ::s, ::s, :] if axis == -1 else x[:, :, ::s, ::s], pads)
