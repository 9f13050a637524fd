"""The table of what was verified: one row a model, in a file that is kept."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from keras_cnnzoo.files import replacing


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one comparison found.

    Attributes:
        name: The model.
        reference: "library/name" of the implementation that it was compared with.
        version: The library's version.
        sizes: Sides of the images, with spaces between.
        logits: Largest difference of the logits, as a share of their spread.
        features: The same of the stages' maps; empty where none were compared.
        apart: How far the logits of the two images are from each other, same measure.
        params: Trainable numbers of ours.
        macs: Multiply-accumulates of ours, at the model's own size.
        digest: Fingerprint of the model's code and the reference's answers.
    """

    name: str
    reference: str
    version: str
    sizes: str
    logits: str
    features: str
    apart: str
    params: int
    macs: int
    digest: str


COLUMNS = tuple(field.name for field in fields(Row))


def read(path: Path) -> dict[str, Row]:
    """Return the rows of a table by model; none where there is no file yet.

    Raises:
        ValueError: The file is not such a table.
    """
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        found = csv.DictReader(file)
        if tuple(found.fieldnames or ()) != COLUMNS:
            raise ValueError(
                f"{path} is no table of `cnnzoo verify`: its columns are "
                f"{found.fieldnames}, not {list(COLUMNS)}."
            )
        return {row["name"]: _row(row) for row in found}


def _row(texts: dict[str, Any]) -> Row:
    return Row(**texts | {name: int(texts[name]) for name in ("params", "macs")})


def write(path: Path, rows: dict[str, Row]) -> None:
    """Write the rows, sorted by name; the old file stays until the new one is whole."""
    with replacing(path) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(rows[name]) for name in sorted(rows))
