"""List the models that can be built.

Example:
  cnnzoo list
  cnnzoo list 'resnet*' --sort top1
  cnnzoo list --weights --max-params 5M --max-macs 300M
  cnnzoo list --weights --json
"""

import argparse
import fnmatch
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_cnnzoo.catalogue import Entry, best_top1
from keras_cnnzoo.cli.cards import all_entries, record
from keras_cnnzoo.cli.options import add_json

if TYPE_CHECKING:
    from rich.table import Table

#: Sort keys by name. `weights` and `top1` put the largest first, others the smallest.
ORDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "name": lambda row: row["name"],
    "year": lambda row: row["year"],
    "input": lambda row: max(n or 0 for n in row["input_shape"]),
    "params": lambda row: row["params"] or 0,
    "macs": lambda row: row["macs"] or 0,
    "weights": lambda row: -len(row["weights"]),
    "top1": lambda row: -(row["top1"] or 0),
}
_UNITS = {"k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("pattern", nargs="?", default="*", help="shell-style, quoted: 'vgg1?_bn'")
    add(
        "--sort",
        choices=tuple(ORDERS),
        help="sort by this column, lowest first; weights and top1 highest first",
    )
    add("--family", help="only models of this family, such as resnet")
    add("--task", help="only models for this task, such as classification")
    add("--source", help="only models of this package, such as keras_cnnzoo")
    add(
        "--weights",
        action="store_true",
        help="only models with published weights",
    )
    add(
        "--verified",
        action="store_true",
        help="only models that were compared with another implementation",
    )
    add("--max-params", type=_number, metavar="N", help="such as 500k or 5M")
    add("--max-macs", type=_number, metavar="N", help="such as 300M or 4G")
    add_json(parser)
    add("--record", type=Path, help=argparse.SUPPRESS)  # see keras_cnnzoo.catalogue


def run(args: argparse.Namespace) -> None:
    """Print a table on a terminal, and otherwise one name per line."""
    if args.record is not None:
        record(args.record)
        return
    rows = [row for row in map(_row, all_entries()) if _asked_for(args, row)]
    if not rows:
        raise ValueError(
            f"No model matches {args.pattern!r} and the filters; `cnnzoo list` shows "
            "all there are."
        )
    if args.sort:
        rows.sort(key=ORDERS[args.sort])
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        _print(rows)


def _row(entry: Entry) -> dict[str, Any]:
    same = ("name", "family", "input_shape", "classes", "task", "source")
    return {name: entry[name] for name in same} | {
        "year": entry["paper"]["year"],
        "params": entry["params"],
        "macs": entry["macs"],
        "weights": [weights["tag"] for weights in entry["weights"]],
        "top1": best_top1(entry),
        "verified": entry["verified"],
    }


def _asked_for(args: argparse.Namespace, row: dict[str, Any]) -> bool:
    return (
        fnmatch.fnmatchcase(row["name"], args.pattern)
        and args.family in (None, row["family"])
        and args.task in (None, row["task"])
        and args.source in (None, row["source"])
        and (not args.weights or bool(row["weights"]))
        and (not args.verified or row["verified"] is not None)
        and _within(row["params"], args.max_params)
        and _within(row["macs"], args.max_macs)
    )


def _within(count: int | None, limit: float | None) -> bool:
    return limit is None or (count is not None and count <= limit)


def _number(text: str) -> float:
    """Parse a number such as 5M."""
    digits, unit = (text[:-1], text[-1:].lower()) if text[-1:].isalpha() else (text, "")
    try:
        return float(digits) * (_UNITS[unit] if unit else 1)
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number such as 500000, 500k, 5M or 4G"
        ) from None


def _print(rows: list[dict[str, Any]]) -> None:
    if not sys.stdout.isatty():
        print("\n".join(row["name"] for row in rows))
        return
    from rich.console import Console

    console = Console(markup=False, highlight=False)
    console.print(_table(rows))
    count = "1 model" if len(rows) == 1 else f"{len(rows)} models"
    console.print(f"{count}. `cnnzoo show NAME` prints the card of one.")


def _table(rows: list[dict[str, Any]]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name", no_wrap=True)
    for header in ("year", "input", "parameters", "MACs", "weights", "top-1 %"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("verified against", overflow="fold")
    for row in rows:
        table.add_row(
            row["name"],
            str(row["year"]),
            "x".join(str(n or "any") for n in row["input_shape"]),
            _short(row["params"]),
            _short(row["macs"]),
            str(len(row["weights"]) or ""),
            "" if row["top1"] is None else f"{row['top1']:.1f}",
            row["verified"] or "",
        )
    return table


def _short(number: int | None) -> str:
    """Format a count with three digits, such as 25.6M; "" if it is not known."""
    if number is None:
        return ""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)
