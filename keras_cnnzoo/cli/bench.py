"""Measure how fast networks run and train, or how fast images are read.

Example:
  cnnzoo bench lenet5
  cnnzoo bench resnet50 mobilenet_v2 --batch-size 16 --precision bfloat16
  cnnzoo bench resnet50 --beside keras,timm,torchvision
  cnnzoo bench resnet18 --image-size 64 --csv > speed.csv
  cnnzoo bench data
  cnnzoo bench data photos/ --image-size 224 --feed 2000

KERAS_BACKEND chooses the backend. Close other programs, or raise --rounds.
"""

import argparse
import csv
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_cnnzoo.cli.options import add_json

if TYPE_CHECKING:
    from rich.table import Table

    from keras_cnnzoo.bench import Speed
    from keras_cnnzoo.bench.reading import Measured

DATA = "data"
#: The options of networks alone, and of data alone, with their defaults.
OF_NETWORKS = {"precision": "float32", "rounds": 5, "beside": "", "csv": False}
OF_DATA = {"feed": 2000}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "what",
        nargs="+",
        metavar="NAME",
        help="names of `cnnzoo list`. Or `data [FOLDER]`, which reads JPEG files with "
        "random crops, as for training: those of a folder with a folder per class, or "
        "files of 500x375 pixels that it makes",
    )
    add(
        "--batch-size",
        type=int,
        metavar="N",
        help="images per batch (default: 32, and 64 for data)",
    )
    add(
        "--image-size",
        type=int,
        metavar="PIXELS",
        help="height and width of the images (default: each network's own, and 224 for "
        "data)",
    )
    add(
        "--precision",
        metavar="TYPE",
        help="what the layers compute in: float32, bfloat16 or float16 (default: "
        "float32)",
    )
    add(
        "--rounds",
        type=int,
        metavar="N",
        help="how often all are measured in turn; the medians count (default: 5)",
    )
    add(
        "--beside",
        metavar="LIBRARIES",
        help="also measure the same networks of other libraries, where they are "
        "installed: keras (Keras Applications), timm, torchvision, or several with "
        "commas",
    )
    add(
        "--feed",
        type=int,
        metavar="N",
        help="data: say how many cores read N images a second (default: 2000)",
    )
    add_json(parser)
    add("--csv", action="store_true", default=None, help="print only CSV, for scripts")


def run(args: argparse.Namespace) -> None:
    """Measure, and print the results."""
    what, *rest = args.what
    if what == DATA:
        _only(args, OF_DATA, OF_NETWORKS, "networks")
        _data(args, rest)
    elif DATA in rest:
        raise ValueError(f"Measure networks and `{DATA}` by a command each.")
    else:
        _only(args, OF_NETWORKS, OF_DATA, f"`{DATA}`")
        _networks(args)


def _only(
    args: argparse.Namespace, own: dict[str, Any], others: dict[str, Any], whose: str
) -> None:
    """Fill in the defaults of some options, and refuse the others."""
    for option in others:
        if getattr(args, option) is not None:
            raise ValueError(f"--{option} is an option of {whose}.")
    for option, default in own.items():
        if getattr(args, option) is None:
            setattr(args, option, default)


def _data(args: argparse.Namespace, folders: list[str]) -> None:
    from keras_cnnzoo.bench.reading import make_photographs, measure

    if len(folders) > 1:
        raise ValueError(f"One folder is read at a time. Received: {len(folders)}.")
    size, batch = args.image_size, args.batch_size
    with tempfile.TemporaryDirectory() as own:
        folder = Path(folders[0]) if folders else make_photographs(Path(own))
        measured = measure(
            folder, 224 if size is None else size, 64 if batch is None else batch
        )
    if args.json:
        print(json.dumps(measured.plain(args.feed), indent=2))
    else:
        _print_data(measured, args.feed)


def _networks(args: argparse.Namespace) -> None:
    from keras_cnnzoo.bench import measure_speed

    if args.json and args.csv:
        raise ValueError("Give --json or --csv, not both.")
    with _status() as say:
        speed = measure_speed(
            args.what,
            batch_size=32 if args.batch_size is None else args.batch_size,
            image_size=args.image_size,
            precision=args.precision,
            rounds=args.rounds,
            beside=[name.strip() for name in args.beside.split(",") if name.strip()],
            say=say,
        )
    if args.json:
        print(json.dumps(speed.to_dict(), indent=2))
    elif args.csv:
        rows = speed.to_dict()["rows"]
        table = csv.DictWriter(sys.stdout, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    else:
        _print_networks(speed)


@contextmanager
def _status() -> Iterator[Any]:
    """Show what is being done, if somebody watches a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: None
        return
    with console.status("") as status:
        yield status.update


def _print_networks(speed: "Speed") -> None:
    from keras_cnnzoo.bench import OURS
    from keras_cnnzoo.inspect.cost.table import nbytes

    table = _table(
        f"{speed.batch_size} images a step, {speed.precision}, {speed.backend}, on "
        f"{speed.device}",
        ("network", "step"),
        ("ms", "noise", "images/s", "of peak", "memory", "times"),
    )
    for row in speed.rows:
        share = row.share_of_peak
        table.add_row(
            row.name if row.package == OURS else f"{row.name} of {row.package}",
            row.step,
            f"{row.milliseconds:,.2f}",
            f"{row.noise:.0%}",
            f"{row.images_per_second:,.0f}",
            "" if share is None else f"{share:.1%}",
            "" if row.memory is None else nbytes(row.memory),
            f"{row.times_first:.2f}",
        )
    say = _print(table)
    say(
        f"Medians of {speed.rounds} rounds in turn; noise: half the distance between "
        f"their quartiles. Times: those of the first network.\nPeak: {speed.side:,}x"
        f"{speed.side:,} matrices, multiplied in the same rounds: "
        f"{speed.peak / 1e9:,.0f} GFLOP/s."
    )
    for name, reason in speed.absent.items():
        say(f"{name} is left out: {reason}")


def _print_data(measured: "Measured", feed: int) -> None:
    plain = measured.plain(feed)
    table = _table(
        f"{plain['images']:,} JPEG files, {plain['kilobytes_an_image']:.0f} kB "
        f"each, to {plain['image_size']} px, on {plain['cores']} cores",
        ("reader",),
        (
            *("CPU ms/image", "images/s a core", "images/s here"),
            f"cores for {feed:,}/s",
        ),
    )
    for row in plain["readers"]:
        table.add_row(
            row["name"],
            f"{row['cpu_ms']:.2f}",
            f"{row['images_per_second_a_core']:,.0f}",
            f"{row['images_per_second']:,.0f}",
            f"{row['cores_to_feed']}",
        )
    say = _print(table)
    for name, does in plain["does"].items():
        say(f"{name}: {does}")
    for name, reason in plain["absent"].items():
        say(f"{name} is left out: {reason}")


def _table(title: str, names: tuple[str, ...], numbers: tuple[str, ...]) -> "Table":
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None)
    for heading in names:
        table.add_column(heading, no_wrap=True)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _print(table: "Table") -> Any:
    """Print a table, and return what prints lines below it."""
    from rich.console import Console

    # A pipe has no width that the table would have to keep.
    width = None if sys.stdout.isatty() else 200
    console = Console(highlight=False, markup=False, soft_wrap=True, width=width)
    console.print(table)
    return console.print
