"""The table of this project's own results with published weights, by model.

`cnnzoo evaluate ... --record keras_cnnzoo/registry/results.csv` writes its rows.
"""

import csv
import functools
from collections.abc import Iterable
from dataclasses import asdict, fields
from importlib import resources
from pathlib import Path

from keras_cnnzoo.cards import Result
from keras_cnnzoo.files import replacing

COLUMNS = ("model", *(field.name for field in fields(Result)))
#: A model's name and one result.
Row = tuple[str, Result]


@functools.cache
def results() -> dict[str, tuple[Result, ...]]:
    """Return the results by model."""
    text = resources.files(__package__).joinpath("results.csv").read_text("utf-8")
    found: dict[str, tuple[Result, ...]] = {}
    for model, result in _rows(text.splitlines()):
        found[model] = (*found.get(model, ()), result)
    return found


def record(path: Path, model: str, measured: Iterable[Result]) -> None:
    """Write results to a table, where they replace older ones of the same command.

    Args:
        path: A CSV file of results; created if it does not exist.
        model: The model that was measured.
        measured: Results of one command.

    Raises:
        ValueError: The file does not have the columns of such a table.
    """
    rows = _read(path) if path.exists() else []
    measured = tuple(measured)
    new = {(model, result.command) for result in measured}
    rows = [row for row in rows if (row[0], row[1].command) not in new]
    rows += [(model, result) for result in measured]
    rows.sort(key=lambda row: (row[0], row[1].command, row[1].metric))
    with replacing(path) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({"model": name} | asdict(result) for name, result in rows)


def _read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        header, *lines = file.read().splitlines() or [""]
    if tuple(header.split(",")) != COLUMNS:
        raise ValueError(
            f"{path} is no table of results: it begins with {header!r}, not with "
            f"{','.join(COLUMNS)!r}."
        )
    return list(_rows([header, *lines]))


def _rows(lines: list[str]) -> Iterable[Row]:
    for row in csv.DictReader(lines):
        seed = row.pop("seed")
        model, value = row.pop("model"), float(row.pop("value"))
        yield model, Result(**row, value=value, seed=int(seed) if seed else None)
