"""The cost and receptive field of each row of the page."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from keras_cnnzoo.call_path import CallPath
from keras_cnnzoo.inspect.cost.profile import profile
from keras_cnnzoo.inspect.cost.table import Profile, Row
from keras_cnnzoo.inspect.field.receptive_field import ReceptiveField, receptive_field
from keras_cnnzoo.inspect.report.rows import Entry

#: Costs of a block or model that are sums over the layers inside it.
SUMMED = ("params", "fixed", "macs")


def costs(
    model: keras.Model, entries: Sequence[Entry], image_shape: tuple[int, ...]
) -> tuple[dict[str, dict[str, Any]], dict[str, int | None]]:
    """Return the costs of each row by path, and those of the whole model.

    A row has "params", "fixed", "macs", "bytes", "dense" and "field", as in `profile`,
    or None if a value is not known. "field" is the receptive field, `{"size", "stride",
    "start"}`, each with values for height and width.
    """
    try:
        table = profile(model, image_shape)
        fields = receptive_field(model, input_shape=image_shape)
    except ValueError:
        # If the model cannot be traced, show the page without costs.
        unknown = dict.fromkeys((*SUMMED, "bytes", "dense", "field"))
        whole = {"params": model.count_params(), "fixed": None, "macs": None}
        return {entry.path: dict(unknown) for entry in entries}, whole
    rows = {row.path: row for row in table.rows}
    found = {
        entry.path: _costs(entry.path, rows.get(entry.path), table)
        | {"field": _field(fields.get(entry.path))}
        for entry in entries
    }
    return found, {name: getattr(table, name) for name in SUMMED}


def _costs(path: str, row: Row | None, table: Profile) -> dict[str, Any]:
    block = CallPath.parse(path)
    inside = [
        other for other in table.rows if CallPath.parse(other.path).is_inside(block)
    ]
    held = inside + ([row] if row else [])
    return {name: sum(getattr(one, name) for one in held) for name in SUMMED} | {
        "bytes": row.activation_bytes if row else None,
        "dense": row.dense if row else None,
    }


def _field(field: ReceptiveField | None) -> dict[str, Any] | None:
    """Convert a receptive field for the page; None if it is unknown or infinite."""
    if field is None or len(field.size) != 2 or math.inf in field.size:
        return None
    return {"size": field.size, "stride": field.stride, "start": field.start}
