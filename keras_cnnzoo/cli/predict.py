"""Predict the classes of images.

Example:
  cnnzoo predict runs/lenet5-digits-1 seven.png three.png
  cnnzoo predict runs/photos-1 holiday/ --top 1
  cnnzoo predict runs/photos-1 holiday/ --csv holiday.csv
  cnnzoo predict resnet50 --weights resnet50.safetensors --top 3 *.jpg
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from keras_cnnzoo.cli.options import add_json, add_subject

if TYPE_CHECKING:
    import numpy as np

    from keras_cnnzoo.cli.subject import Subject


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_subject(parser)
    add = parser.add_argument
    add(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="files in any format Pillow reads, or folders of them",
    )
    add(
        "--top",
        type=int,
        default=5,
        metavar="K",
        help="number of classes to show per image, most probable first (default: 5)",
    )
    add(
        "--csv",
        metavar="FILE",
        help="write a line for each image to this file, - for the standard output; any "
        "number of images takes little memory",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Predict, and print or write the most probable classes of each image."""
    from keras_cnnzoo.cli.subject import open_subject
    from keras_cnnzoo.files import replacing

    if args.top < 1:
        raise ValueError(f"--top is at least 1. Received: {args.top}")
    if args.csv and args.json:
        raise ValueError("Give --csv or --json, not both.")
    path = None if args.csv in (None, "-") else Path(args.csv)
    if path is not None and not path.parent.is_dir():
        raise ValueError(f"There is no folder {path.parent} to write {path} to.")
    subject = open_subject(args.subject, args.weights, args.source, args.class_names)
    answers = _answers(args.images, subject, args.top)
    if path is not None:
        with (
            replacing(path) as partial,
            partial.open("w", newline="", encoding="utf-8") as file,
        ):
            count = _write_csv(answers, file)
        print(f"{path}: {count:,} images")
    elif args.csv:
        _write_csv(answers, sys.stdout)
    elif args.json:
        print(json.dumps(list(answers), indent=2))
    else:
        _print_table(list(answers))


def _answers(
    images: list[str], subject: "Subject", top: int
) -> Iterator[dict[str, Any]]:
    """Yield each image with its most probable classes."""
    import numpy as np

    from keras_cnnzoo.cli.images import batches
    from keras_cnnzoo.internals.mending import mended

    for batch in batches(images, subject.adapter):
        paths, pixels = zip(*batch, strict=True)
        with mended(subject.model):
            rows = subject.model.predict(np.stack(pixels), verbose=0)
        for path, row in zip(paths, rows, strict=True):
            yield {"image": path, "predictions": _likeliest(row, subject, top)}


def _write_csv(answers: Iterator[dict[str, Any]], file: IO[str]) -> int:
    """Write a line for each image as it is predicted, and return how many."""
    table, count = None, 0
    for answer in answers:
        row = {"image": answer["image"]}
        for rank, guess in enumerate(answer["predictions"], start=1):
            end = "" if rank == 1 else f"_{rank}"
            row |= {f"{key}{end}": value for key, value in guess.items()}
        if table is None:
            table = csv.DictWriter(file, row, lineterminator="\n")
            table.writeheader()
        table.writerow(row)
        count += 1
    return count


def _likeliest(row: "np.ndarray", subject: "Subject", top: int) -> list[dict[str, Any]]:
    ids = subject.class_names or tuple(map(str, range(len(row))))
    names = subject.display_names or ids
    guesses = []
    for i in (-row).argsort(kind="stable")[:top]:
        guess: dict[str, Any] = {"class": ids[i]}
        if names != ids:
            guess["name"] = names[i]
        guesses.append({**guess, "probability": float(row[i])})
    return guesses


def _print_table(answers: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("image", overflow="fold")
    table.add_column("class", overflow="fold")
    named = any("name" in guess for one in answers for guess in one["predictions"])
    if named:
        table.add_column("id", style="dim")
    table.add_column("probability", justify="right")
    for answer in answers:
        for rank, guess in enumerate(answer["predictions"]):
            table.add_row(
                answer["image"] if rank == 0 else "",
                guess.get("name", guess["class"]),
                *([guess["class"]] if named else []),
                f"{guess['probability']:.2%}",
                style="bold" if rank == 0 else "dim",
            )
    Console(markup=False, highlight=False).print(table)
