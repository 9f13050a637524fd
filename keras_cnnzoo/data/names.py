"""Readable names of classes, for data that name them by numbers or ids."""

import csv
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_cnnzoo.data.imagenet import english

#: Files beside the data that may name the classes; the first that does is used.
BESIDE = ("classes.csv", "classes.json", "classes.txt")
#: Headings of a table's column of names; without one of them, it is the second column.
NAME_COLUMNS = ("name", "class_name", "label", "label_name", "class", "classes")


def display_names(
    classes: Sequence[str], names: str | os.PathLike[str] | Sequence[str] | None = None
) -> tuple[str, ...]:
    """Return the names of classes for display.

    Args:
        classes: Names of the classes in the data: folders, numbers or WordNet ids.
        names: A file of names, or the names in the order of `classes`. None takes the
            English names of ImageNet's ids, and leaves all others unchanged.

            A file is a `.json` list, or an object from class to name; a `.csv` or
            `.tsv` table with a column of names, or columns of classes and names; or
            text with a name, or a class and a name, on each line.

    Raises:
        ValueError: The file cannot be read, or does not name each of the classes.

    Example:
        >>> display_names(["n02102040", "cat"])
        ('English springer', 'cat')
    """
    if names is None:
        return tuple(map(english, classes))
    if isinstance(names, str | os.PathLike):
        return _of_file(Path(names), classes)
    return _in_order([str(name) for name in names], classes, "`class_names`")


def names_beside(data: Any, classes: Sequence[str]) -> tuple[str, ...]:
    """Return the names for display of the classes of a folder or file of data.

    The first of `classes.csv`, `classes.json` and `classes.txt` beside the data that
    names every class is used; a file that does not is ignored with a warning.
    """
    if isinstance(data, str | os.PathLike):
        path = Path(data).expanduser()
        folder = path.parent if path.is_file() else path
        for name in BESIDE if path.exists() else ():
            if not (folder / name).is_file():
                continue
            try:
                return _of_file(folder / name, classes)
            except ValueError as error:
                warnings.warn(
                    f"Not used for the names of classes: {error}", stacklevel=2
                )
    return display_names(classes)


def _of_file(path: Path, classes: Sequence[str]) -> tuple[str, ...]:
    try:
        text = path.expanduser().read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ValueError(f"There is no file of class names {path}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as text: {error}") from error
    if path.suffix.lower() == ".json":
        return _of_json(path, text, classes)
    if path.suffix.lower() in (".csv", ".tsv"):
        table = csv.reader(text.splitlines(), delimiter="\t" if "\t" in text else ",")
        return _of_rows(path, [[w.strip() for w in row] for row in table], classes)
    lines = [line.strip() for line in text.splitlines()]
    named = [[w.strip(" :,\t") for w in line.split(maxsplit=1)] for line in lines]
    # A line of several words is a name, unless every class is some line's first word.
    if set(classes) <= {row[0] for row in named if len(row) == 2}:
        return _by_class(path, {row[0]: row[-1] for row in named if row}, classes)
    return _in_order([line for line in lines if line], classes, str(path))


def _of_json(path: Path, text: str, classes: Sequence[str]) -> tuple[str, ...]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error
    if isinstance(content, Mapping):
        # Some files give an id and a name for each class number.
        last = {
            k: v[-1] if isinstance(v, list) and v else v for k, v in content.items()
        }
        return _by_class(path, {str(k): str(v) for k, v in last.items()}, classes)
    if isinstance(content, list):
        return _in_order([str(name) for name in content], classes, str(path))
    raise ValueError(f"{path} holds neither a list of names nor an object of them.")


def _of_rows(
    path: Path, rows: list[list[str]], classes: Sequence[str]
) -> tuple[str, ...]:
    rows = [row for row in rows if any(row)]
    if not rows:
        raise ValueError(f"{path} is empty.")
    header = [word.lower() for word in rows[0]]
    if len(header) == 1:
        headed = header[0] in NAME_COLUMNS and len(rows) == len(classes) + 1
        return _in_order([row[0] for row in rows[headed:]], classes, str(path))
    names = (header.index(word) for word in NAME_COLUMNS if word in header[1:])
    column = next(names, 1)
    found = {row[0]: row[column] for row in rows if len(row) > column}
    return _by_class(path, found, classes)


def _by_class(
    path: Path, names: Mapping[str, str], classes: Sequence[str]
) -> tuple[str, ...]:
    keys = list(classes)
    if not set(keys) <= names.keys():
        # Class numbers refer to the folders in sorted order.
        numbers = [str(number) for number in range(len(classes))]
        keys = numbers if set(numbers) <= names.keys() else keys
    if missing := [key for key in keys if key not in names]:
        others = f" and {len(missing) - 1} others" if len(missing) > 1 else ""
        raise ValueError(
            f"{path} names no class {missing[0]!r}{others}. It names: "
            f"{', '.join(list(names)[:5])}{' ...' if len(names) > 5 else ''}"
        )
    return tuple(names[key] for key in keys)


def _in_order(
    names: Sequence[str], classes: Sequence[str], where: str
) -> tuple[str, ...]:
    if len(names) != len(classes):
        raise ValueError(
            f"{where} has {len(names):,} names, and there are {len(classes):,} classes."
        )
    return tuple(names)
