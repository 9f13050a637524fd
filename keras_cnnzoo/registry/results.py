"""The table of this project's own results with published weights, by model.

`cnnzoo evaluate ... --record keras_cnnzoo/registry/results.csv` writes its rows.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from importlib import resources
from pathlib import Path

from keras_cnnzoo.cards import Result
from keras_cnnzoo.csv_rows import read_rows, write_rows

COLUMNS = ("model", *(field.name for field in fields(Result)))
#: A model's name and one result.
Row = tuple[str, Result]


@functools.cache
def results() -> dict[str, tuple[Result, ...]]:
    """Return the results by model."""
    found: dict[str, tuple[Result, ...]] = {}
    with resources.as_file(resources.files(__package__) / "results.csv") as path:
        for model, result in map(_row, read_rows(path, COLUMNS)):
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
    rows = list(map(_row, read_rows(path, COLUMNS)))
    measured = tuple(measured)
    new = {(model, result.command) for result in measured}
    rows = [row for row in rows if (row[0], row[1].command) not in new]
    rows += [(model, result) for result in measured]
    rows.sort(key=lambda row: (row[0], row[1].command, row[1].metric))
    named = ({"model": name} | asdict(result) for name, result in rows)
    write_rows(path, COLUMNS, named)


def _row(row: Mapping[str, str]) -> Row:
    model, value, seed, rest = row["model"], row["value"], row["seed"], dict(row)
    for name in ("model", "value", "seed"):
        del rest[name]
    result = Result(**rest, value=float(value), seed=int(seed) if seed else None)
    return model, result
