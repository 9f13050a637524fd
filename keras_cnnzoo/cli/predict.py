"""Say what is in images.

Example:
  cnnzoo predict runs/lenet5-digits-1 seven.png three.png
  cnnzoo predict resnet50 --weights resnet50.safetensors --top 3 *.jpg
"""

import argparse
import json

from keras_cnnzoo.cli.options import add_json, add_subject


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_subject(parser)
    add = parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="files in any format Pillow reads")
    add("--top", type=int, default=5, metavar="K", help="how many guesses (default: 5)")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Predict, and print the likeliest classes of every image."""
    from keras_cnnzoo.cli.subject import open_subject
    from keras_cnnzoo.training.folder import read_images

    if args.top < 1:
        raise ValueError(f"--top is at least 1. Received: {args.top}")
    subject = open_subject(args.subject, args.weights, args.source)
    images = read_images(args.images, subject.adapter)
    probabilities = subject.model.predict(images, verbose=0)
    names = subject.class_names or [str(i) for i in range(probabilities.shape[1])]
    answers = [
        {
            "image": path,
            "predictions": [
                {"class": names[i], "probability": float(row[i])}
                for i in (-row).argsort(kind="stable")[: args.top]
            ],
        }
        for path, row in zip(args.images, probabilities, strict=True)
    ]
    if args.json:
        print(json.dumps(answers, indent=2))
    else:
        _print_table(answers)


def _print_table(answers: list[dict]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("image", overflow="fold")
    table.add_column("class", overflow="fold")
    table.add_column("probability", justify="right")
    for answer in answers:
        for rank, guess in enumerate(answer["predictions"]):
            table.add_row(
                answer["image"] if rank == 0 else "",
                guess["class"],
                f"{guess['probability']:.2%}",
                style="bold" if rank == 0 else "dim",
            )
    Console(markup=False, highlight=False).print(table)
