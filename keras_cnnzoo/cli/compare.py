"""Compare training runs in a table and a picture.

Example:
  cnnzoo compare runs/lenet5-digits-1 runs/lenet5-digits-2
  cnnzoo compare runs --csv > runs.csv
  cnnzoo compare runs -o curves.png
"""

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keras_cnnzoo.cli.options import add_json

if TYPE_CHECKING:
    from keras_cnnzoo.training import Comparison

#: Columns that are left out of the table if all runs agree in them.
SHARED = ("model", "data", "scored on", "backend", "seed", "status")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "runs",
        nargs="+",
        metavar="RUN",
        help="a folder that `cnnzoo train` made, or a folder of such folders",
    )
    add(
        *("-o", "--out"),
        type=Path,
        metavar="FILE",
        help="draw the validation accuracies by epoch to this .png file (default: "
        "runs.png, but nothing with --json or --csv)",
    )
    add_json(parser)
    add("--csv", action="store_true", help="print only CSV, for scripts")


def run(args: argparse.Namespace) -> None:
    """Read the runs, print them, and draw their curves."""
    from keras_cnnzoo.training import compare_runs, plot_runs
    from keras_cnnzoo.training.pictures import write_figure

    if args.json and args.csv:
        raise ValueError("Give --json or --csv, not both.")
    runs = compare_runs(args.runs)
    if args.json:
        print(json.dumps([each.to_dict() for each in runs], indent=2))
    elif args.csv:
        _print_csv(runs)
    else:
        _print_table(runs)
    path = args.out or (None if args.json or args.csv else Path("runs.png"))
    if path is None:
        return
    if not any(each.history for each in runs):
        raise ValueError("No picture is drawn: none of the runs has finished an epoch.")
    write_figure(plot_runs(runs), path)
    if not args.json and not args.csv:
        print(f"{path}: validation accuracy by epoch")


def _print_csv(runs: "Comparison") -> None:
    keys = dict.fromkeys(key for each in runs for key in each.differences)
    rows = [
        {key: value for key, value in each.to_dict().items() if key != "differences"}
        | {key: each.differences.get(key) for key in keys}
        for each in runs
    ]
    table = csv.DictWriter(sys.stdout, rows[0], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)


def _print_table(runs: "Comparison") -> None:
    from rich.console import Console
    from rich.table import Table

    from keras_cnnzoo.training.comparison import HEADINGS, cells

    columns = list(zip(HEADINGS, zip(*map(cells, runs), strict=True), strict=True))
    shared = {
        heading: column[0]
        for heading, column in columns
        if heading in SHARED and len(runs) > 1 and len(set(column)) == 1
    }
    console = Console(markup=False, highlight=False)
    if shared:
        console.print("all runs: " + ", ".join(f"{k} {v}" for k, v in shared.items()))
    table = Table(box=None, pad_edge=False)
    shown = [(h, c) for h, c in columns if h not in shared and any(c)]
    for heading, column in shown:
        number = all(text[:1].isdecimal() for text in column if text)
        table.add_column(
            heading,
            justify="right" if number and heading != "run" else "left",
            overflow="fold",
        )
    for row in zip(*(column for _, column in shown), strict=True):
        table.add_row(*row)
    console.print(table)
