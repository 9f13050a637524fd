"""Compare models with the implementations that they must equal.

Example:
  cnnzoo verify 'resnet*'
  cnnzoo verify --changed --table docs/verified.csv

The references' answers are files of the repository; Keras's own networks need none.
"""

import argparse
import dataclasses
import json
from pathlib import Path

from keras_cnnzoo.cli.options import add_json

ANSWERS = Path("tests", "references", "answers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("patterns", nargs="*", default=["*"], help="shell-style, quoted: 'vgg1?_bn'")
    add(
        "--answers",
        type=Path,
        default=ANSWERS,
        help=f"folder of what the references answered (default: {ANSWERS})",
    )
    add("--table", type=Path, help="a CSV file that the rows are written into")
    add(
        "--changed",
        action="store_true",
        help="only models that changed since the table's row of them was written",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Verify one model after the other; what is done is kept at once."""
    from keras_cnnzoo import verify
    from keras_cnnzoo.verify import table

    if args.changed and args.table is None:
        raise ValueError("--changed compares with a table: name it with --table.")
    rows = {} if args.table is None else table.read(args.table)
    names = verify.verifiable(args.patterns, args.answers)
    if not names:
        raise ValueError(
            f"Nothing to compare for {args.patterns}: {args.answers} holds no answers "
            "for such a model. Run this where the repository is, or give --answers."
        )
    if args.changed:
        names = [n for n in names if verify.is_stale(n, args.answers, rows)]
    wrong, done = [], []
    for i, name in enumerate(names, start=1):
        found, row = verify.verify(name, args.answers)
        done.append(row)
        if not (found.equal and found.telling):
            wrong.append(name)
        elif args.table is not None:
            rows[name] = row
            table.write(args.table, rows)
        if not args.json:
            print(_line(row, _verdict(found), f"{i}/{len(names)}"), flush=True)
    if args.json:
        print(json.dumps([dataclasses.asdict(row) for row in done], indent=2))
    if wrong:
        raise ValueError(
            f"{len(wrong)} of {len(names)} differ from their references, or answer all "
            f"images alike: {', '.join(wrong)}."
        )
    if not args.json:
        print(f"{len(done)} models equal their references.")


def _verdict(found) -> str:
    if not found.equal:
        return "DIFFERS"
    return "equal" if found.telling else "SAYS LITTLE"


def _line(row, verdict: str, progress: str) -> str:
    maps = f", maps {row.features}" if row.features else ""
    return (
        f"{progress:>8} {row.name:28} {verdict:8} logits {row.logits}{maps}, "
        f"images {row.apart} apart  "
        f"{row.params:,} parameters, {row.macs / 1e6:,.1f} M MACs  {row.reference}"
    )
