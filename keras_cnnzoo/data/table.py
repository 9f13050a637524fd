"""Read tables of image files and their labels, `.csv`, `.tsv` or `.parquet`."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_cnnzoo.data.columns import Asked, choose, encode
from keras_cnnzoo.data.decode import Header
from keras_cnnzoo.data.examples import EncodedExamples, Examples, Skipped, Source
from keras_cnnzoo.data.scanning import common_shape, median_side, scan, warn_of
from keras_cnnzoo.data.targets import check_classes

SUFFIXES = (".csv", ".tsv")


def from_csv(
    path: Path, columns: Asked | None = None, kind: str | None = None
) -> Source:
    """Open a table of image files and labels, `.csv` or `.tsv` with a line of headings.

    Args:
        path: The table. Relative paths in it start from its folder.
        columns: The columns of "image", "label" (one or several) and "split"; None
            takes those with usual names.
        kind: What the labels are; None recognises it. See
            `keras_cnnzoo.data.columns.encode`.

    Raises:
        ValueError: The table cannot be read, has no such columns, lacks labels, or
            names files that are not there.
    """
    return from_rows(path, _read(path), columns, kind)


def from_rows(
    path: Path,
    rows: Mapping[str, Sequence[Any]],
    columns: Asked | None,
    kind: str | None,
) -> Source:
    """Do the same with the columns of a table that is read already."""
    where = str(path)
    chosen = choose(list(rows), rows.__getitem__, columns, where)
    files = [os.path.join(path.parent, name) for name in rows[chosen.image]]
    _check_files(files, where)
    results = scan(files.__getitem__, len(files))
    good = [row for row, result in enumerate(results) if isinstance(result, Header)]
    skipped = [
        Skipped(file, result)
        for file, result in zip(files, results, strict=True)
        if not isinstance(result, Header)
    ]
    if not good:
        raise ValueError(f"{where} names no image that can be read: {skipped[0]}")
    values = {name: [rows[name][row] for row in good] for name in chosen.labels}
    targets, labels = encode(values, kind, where)
    headers = [header for header in results if isinstance(header, Header)]
    sets = _sets(
        EncodedExamples(
            fetch=files.__getitem__,
            labels=labels,
            numbers=np.asarray(good),
            describe=files.__getitem__,
            shape=common_shape(headers),
        ),
        ["train"] * len(good)
        if chosen.split is None
        else [str(rows[chosen.split][row]).strip() for row in good],
    )
    if targets.kind == "class":
        by_split = {split: examples.labels for split, examples in sets.items()}
        check_classes(where, by_split, targets.names)
    warn_of(where, skipped)
    return Source(
        name=path.stem,
        sets=sets,
        class_names=targets.names,
        skipped=tuple(skipped),
        side=median_side(headers),
        kind=targets.kind,
    )


def _read(path: Path) -> dict[str, list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8: {error}") from error
    heading = text.partition("\n")[0]
    between = max("\t;,", key=heading.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=between)
    names = [name.strip() for name in next(lines, [])]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{path} has two columns {twice.pop()!r}.")
    rows = []
    for row in lines:
        if len(row) == len(names):
            rows.append(row)
        elif any(row):
            raise ValueError(
                f"{path}, line {lines.line_num}: {len(row)} values for {len(names)} "
                f"columns, {', '.join(names)}."
            )
    if not rows:
        raise ValueError(f"{path} has no rows.")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _check_files(files: Sequence[str], where: str) -> None:
    missing = [row for row, file in enumerate(files) if not os.path.isfile(file)]
    if missing:
        raise ValueError(
            f"{where} names {len(missing):,} file{'s' * (len(missing) > 1)} of "
            f"{len(files):,} that {'are' if len(missing) > 1 else 'is'} not there, "
            f"such as {files[missing[0]]} in row {missing[0] + 1:,}. Paths start from "
            "the folder of the table."
        )


def _sets(examples: EncodedExamples, splits: Sequence[str]) -> dict[str, Examples]:
    """Return the examples of each split, in the order in which splits appear."""
    every = np.asarray(splits)
    return {
        split: examples.take(np.flatnonzero(every == split))
        for split in dict.fromkeys(splits)
    }
