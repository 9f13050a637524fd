"""Tables of results in CSV files, whose columns are fixed."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_cnnzoo.files import replacing


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a table; none if the file does not exist.

    Raises:
        ValueError: The file has other columns.
    """
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if (header := reader.fieldnames or []) and list(header) != list(columns):
            raise ValueError(
                f"{path} is no table of results: it begins with {','.join(header)!r}, "
                f"not with {','.join(columns)!r}."
            )
        return list(reader)


def write_rows(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    """Write a table, completely or not at all."""
    with (
        replacing(path) as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
