"""Names of classes that people read, where the data have numbers or ids."""

import csv
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_cnnzoo.data.imagenet import english

#: Files beside the data that name their classes; the first that is there is read.
BESIDE = ("classes.csv", "classes.json", "classes.txt")
#: What the column of the names is called in a table; the second one, if none is.
NAME_COLUMNS = ("name", "class_name", "label", "label_name", "class", "classes")


def display_names(
    classes: Sequence[str], names: str | os.PathLike[str] | Sequence[str] | None = None
) -> tuple[str, ...]:
    """Return the names to show for classes.

    Args:
        classes: What the data call the classes: folders, numbers or WordNet ids.
        names: A file of names, or the names in the order of `classes`. None takes the
            English names of ImageNet's ids, and everything else as it is.

            A file is a `.json` list, or object from class to name; a `.csv` or `.tsv`
            of a column of names, or of classes and names; or text with a name, or a
            class and a name, on each line.

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
    """Return the names to show for the classes of a folder or file of data.

    `classes.csv`, `classes.json` or `classes.txt` in the folder are read where they
    name each of the classes; one that does not is left aside, with a warning.
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
    # Names of several words are names, unless every class begins a line.
    if set(classes) <= {row[0] for row in named if len(row) == 2}:
        return _by_class(path, {row[0]: row[-1] for row in named if row}, classes)
    return _in_order([line for line in lines if line], classes, str(path))


def _of_json(path: Path, text: str, classes: Sequence[str]) -> tuple[str, ...]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error
    if isinstance(content, Mapping):
        # Some files number the classes, and give an id and a name for each.
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
        # Classes by number stand for folders in their sorted order.
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
