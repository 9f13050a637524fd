"""The CSV table of verified models, with one row per model."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from keras_cnnzoo.files import replacing


@dataclass(frozen=True, kw_only=True)
class Row:
    """The result of one comparison.

    Attributes:
        name: The model.
        reference: The reference implementation, as "library/name".
        version: The library's version.
        sizes: Side lengths of the images, separated by spaces.
        logits: Largest difference of the logits, as a share of their range.
        features: The same for the stages' feature maps; empty if none were compared.
        apart: Difference between the logits of the two images, in the same measure.
        params: Trainable parameters of our model.
        macs: Multiply-accumulates of our model, at its default image size.
        digest: Digest of the model's code and of the reference's outputs.
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
    """Return the rows of a table by model; none if the file does not exist.

    Raises:
        ValueError: The file does not have the columns of such a table.
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
    """Write the rows, sorted by name; replace the old file only when complete."""
    with replacing(path) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(rows[name]) for name in sorted(rows))
