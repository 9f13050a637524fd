"""Predict the classes of images.

Example:
  cnnzoo predict runs/lenet5-digits-1 seven.png three.png
  cnnzoo predict runs/photos-1 holiday/ --top 1
  cnnzoo predict resnet50 --weights resnet50.safetensors --top 3 *.jpg
"""

import argparse
import json
from typing import TYPE_CHECKING, Any

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
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Predict, and print the most probable classes of each image."""
    import numpy as np

    from keras_cnnzoo.cli.images import batches
    from keras_cnnzoo.cli.subject import open_subject
    from keras_cnnzoo.internals.mending import mended

    if args.top < 1:
        raise ValueError(f"--top is at least 1. Received: {args.top}")
    subject = open_subject(args.subject, args.weights, args.source, args.class_names)
    answers = []
    for batch in batches(args.images, subject.adapter):
        paths, images = zip(*batch, strict=True)
        with mended(subject.model):
            rows = subject.model.predict(np.stack(images), verbose=0)
        answers += [
            {"image": path, "predictions": _likeliest(row, subject, args.top)}
            for path, row in zip(paths, rows, strict=True)
        ]
    if args.json:
        print(json.dumps(answers, indent=2))
    else:
        _print_table(answers)


def _likeliest(row: "np.ndarray", subject: "Subject", top: int) -> list[dict[str, Any]]:
    ids = subject.class_names or tuple(map(str, range(len(row))))
    names = subject.display_names or ids
    guesses = []
    for i in (-row).argsort(kind="stable")[:top]:
        guess: dict[str, Any] = {"class": ids[i]}
        if names[i] != ids[i]:
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
