"""Find and read the columns of a table of images: path, labels and split."""

import difflib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_cnnzoo.data.targets import Targets, as_labels

#: What a table's columns are for, and how they are usually named.
USUAL = {
    "image": ("path", "file", "image", "filename", "file_name", "filepath", "img"),
    "label": ("label", "class", "target", "labels", "category"),
    "split": ("split", "subset"),
}
# Between several labels in one text.
BETWEEN = re.compile("[|;,]")
WHOLE = re.compile(r"-?(0|[1-9]\d*)")

#: For each of "image", "label" and "split", its column; several for "label".
Asked = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Columns:
    """The columns of a table that are read."""

    image: str
    labels: tuple[str, ...]
    split: str | None


def choose(
    names: Sequence[str],
    read: Callable[[str], Sequence[Any]],
    asked: Asked | None,
    where: str,
) -> Columns:
    """Choose the columns of a table, by their usual names or as asked.

    Without a column of labels, all columns of 0 and 1 are several labels.

    Args:
        names: The columns that there are.
        read: Returns the values of a column.
        asked: Columns named by the user, or None.
        where: The table, in messages.

    Raises:
        ValueError: There is no such column, or none with a usual name.
    """
    asked = dict(asked or {})
    if unknown := sorted(asked.keys() - USUAL.keys()):
        raise ValueError(
            f"`columns` names the columns of {', '.join(USUAL)}. Received: {unknown[0]}"
        )
    lower = {name.strip().lower(): name for name in reversed(names)}

    def find(role: str) -> tuple[str, ...]:
        if role in asked:
            given = asked[role]
            given = (given,) if isinstance(given, str) else tuple(given)
            for name in given:
                if name not in names:
                    raise ValueError(_no_column(name, names, where))
            return given
        return tuple(lower[usual] for usual in USUAL[role] if usual in lower)[:1]

    image, labels, split = map(find, USUAL)
    if not labels:
        rest = [name for name in names if name not in image + split]
        labels = tuple(name for name in rest if _are_flags(read(name)))
    for role, found in (("image", image), ("label", labels)):
        if not found:
            raise ValueError(
                f"{where} has no column named {', '.join(USUAL[role][:3])}; it has "
                f"{', '.join(names)}. Say which is meant: columns={{{role!r}: NAME}}."
            )
    return Columns(image[0], labels, split[0] if split else None)


def _no_column(name: str, names: Sequence[str], where: str) -> str:
    near = ", ".join(difflib.get_close_matches(name, names, n=3))
    return (
        f"{where} has no column {name!r}. {f'Close to it: {near}. ' if near else ''}"
        f"It has: {', '.join(names)}."
    )


def _are_flags(values: Sequence[Any]) -> bool:
    return len(values) > 0 and all(value in ("0", "1", 0, 1) for value in values)


def encode(
    columns: Mapping[str, Sequence[Any]],
    kind: str | None,
    where: str,
    *,
    class_names: Sequence[str] | None = None,
) -> tuple[Targets, np.ndarray]:
    """Make labels of the values of one or several columns.

    Names and whole numbers are classes, numbers with a fraction are numbers, lists of
    names and several columns of 0 and 1 are several labels.

    Args:
        columns: Values by column: texts, as in a .csv file, or of any type.
        kind: What the labels are; None recognises it.
        where: The table, in messages.
        class_names: Names to which whole numbers refer; None takes the values.

    Returns:
        What the labels are, and the labels.

    Raises:
        ValueError: A value is missing, or the values are not labels of this kind.
    """
    for name, values in columns.items():
        _check_there(values, f"{where}, column {name!r}")
    typed = {name: _typed(values) for name, values in columns.items()}
    (first, values), *others = typed.items()
    if others:
        rows = np.stack([np.asarray(column) for column in typed.values()], axis=-1)
        flags = all(_are_flags(column) for column in typed.values())
        kind = kind or ("classes" if flags else "number")
        if kind == "class":
            raise ValueError(f"{where}: one class is one column, not {len(typed)}.")
        return Targets(kind, tuple(typed)), as_labels(kind, rows, where)
    kind = kind or _kind(values)
    if kind == "number":
        rows = as_labels(kind, values, f"{where}, column {first!r}")
        names = [first] if rows.shape[1] == 1 else range(rows.shape[1])
        return Targets(kind, tuple(map(str, names))), rows
    if kind == "classes":
        return _several(values, class_names, where)
    return _one(values, class_names, where)


def _check_there(values: Sequence[Any], where: str) -> None:
    missing = [
        row
        for row, value in enumerate(values, 1)
        if value is None
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and value.strip().lower() in ("", "nan"))
    ]
    if missing:
        raise ValueError(
            f"{where}: {len(missing):,} of {len(values):,} labels are missing, the "
            f"first in row {missing[0]:,}."
        )


def _typed(values: Sequence[Any]) -> Sequence[Any]:
    """Return texts as whole numbers, numbers or lists, if all of them are."""
    if not all(isinstance(value, str) for value in values):
        return values
    texts = [value.strip() for value in values]
    if all(map(WHOLE.fullmatch, texts)):
        return [int(text) for text in texts]
    try:
        if all(text.startswith("[") for text in texts):
            return [json.loads(text) for text in texts]
        # Numbers that begin with a needless 0 are names, such as "007".
        if not any(text[:1] == "0" and text[1:2].isdigit() for text in texts):
            return [float(text) for text in texts]
    except ValueError:
        pass
    return texts


def _kind(values: Sequence[Any]) -> str:
    if isinstance(values[0], list | tuple | np.ndarray):
        return "classes"
    return "number" if isinstance(values[0], float) else "class"


def _one(
    values: Sequence[Any], class_names: Sequence[str] | None, where: str
) -> tuple[Targets, np.ndarray]:
    if isinstance(values[0], float):
        whole = [int(value) for value in values]
        if whole != list(values):
            raise ValueError(f"{where}: classes are names or whole numbers.")
        values = whole
    if class_names is not None:
        labels = as_labels("class", np.asarray(values), where)
        return Targets("class", tuple(class_names)), labels
    distinct = sorted(set(values))
    place = {value: index for index, value in enumerate(distinct)}
    labels = np.fromiter(map(place.__getitem__, values), np.int32, len(values))
    return Targets("class", tuple(map(str, distinct))), labels


def _several(
    values: Sequence[Any], class_names: Sequence[str] | None, where: str
) -> tuple[Targets, np.ndarray]:
    if isinstance(values[0], str):
        values = [[t.strip() for t in BETWEEN.split(v) if t.strip()] for v in values]
    names = (
        sorted({label for labels in values for label in labels})
        if class_names is None
        else range(len(class_names))
    )
    place = {label: column for column, label in enumerate(names)}
    rows = np.zeros((len(values), len(place)), np.float32)
    for row, labels in zip(rows, values, strict=True):
        if unknown := [label for label in labels if label not in place]:
            raise ValueError(
                f"{where}: {unknown[0]!r} is none of the {len(place)} labels."
            )
        row[[place[label] for label in labels]] = 1
    return Targets("classes", tuple(class_names or map(str, names))), rows
