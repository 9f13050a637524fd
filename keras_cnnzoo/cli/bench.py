"""Measure how fast images are read, beside other libraries.

Example:
  cnnzoo bench data
  cnnzoo bench data photos/ --image-size 224 --feed 2000
  cnnzoo bench data --json
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from keras_cnnzoo.cli.options import add_json

if TYPE_CHECKING:
    from keras_cnnzoo.cli.bench_data import Measured


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "what",
        nargs="+",
        metavar="data [FOLDER]",
        help="`data` reads JPEG files with random crops, as for training: those of a "
        "folder with a folder per class, or files of 500x375 pixels that it makes",
    )
    add(
        "--image-size",
        type=int,
        default=224,
        metavar="PIXELS",
        help="height and width of the crops (default: 224)",
    )
    add("--batch-size", type=int, default=64, help="images per batch (default: 64)")
    add(
        "--feed",
        type=int,
        default=2000,
        metavar="N",
        help="say how many cores read N images a second (default: 2000)",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Measure, and print the table."""
    what, *rest = args.what
    if what not in BENCHES:
        raise ValueError(
            f"There is nothing named {what!r} to measure; there is: "
            f"{', '.join(BENCHES)}."
        )
    BENCHES[what](args, rest)


def _data(args: argparse.Namespace, folders: list[str]) -> None:
    from keras_cnnzoo.cli.bench_data import make_photographs, measure

    if len(folders) > 1:
        raise ValueError(f"One folder is read at a time. Received: {len(folders)}.")
    with tempfile.TemporaryDirectory() as own:
        folder = Path(folders[0]) if folders else make_photographs(Path(own))
        measured = measure(folder, args.image_size, args.batch_size)
    if args.json:
        print(json.dumps(measured.plain(args.feed), indent=2))
    else:
        _print(measured, args.feed)


#: What can be measured. Each takes the options, and the arguments after its name.
BENCHES: dict[str, Callable[[argparse.Namespace, list[str]], None]] = {"data": _data}


def _print(measured: "Measured", feed: int) -> None:
    from rich.console import Console
    from rich.table import Table

    plain = measured.plain(feed)
    table = Table(
        title=f"{plain['images']:,} JPEG files, {plain['kilobytes_an_image']:.0f} kB "
        f"each, to {plain['image_size']} px, on {plain['cores']} cores",
        title_justify="left",
        box=None,
    )
    table.add_column("reader")
    for heading in ("CPU ms/image", "images/s a core", "images/s here"):
        table.add_column(heading, justify="right")
    table.add_column(f"cores for {feed:,}/s", justify="right")
    for row in plain["readers"]:
        table.add_row(
            row["name"],
            f"{row['cpu_ms']:.2f}",
            f"{row['images_per_second_a_core']:,.0f}",
            f"{row['images_per_second']:,.0f}",
            f"{row['cores_to_feed']}",
        )
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(table)
    for name, does in plain["does"].items():
        console.print(f"{name}: {does}")
    for name, reason in plain["absent"].items():
        console.print(f"{name} is left out: {reason}")
