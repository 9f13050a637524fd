"""Compare models with their reference implementations.

Example:
  cnnzoo verify 'resnet*'
  cnnzoo verify --changed --table docs/verified.csv --jobs 2
  cnnzoo verify --changed --table docs/verified.csv --dry-run

The references' outputs are files in the repository; Keras's own networks need none.
"""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from keras_cnnzoo.cli.options import add_json

if TYPE_CHECKING:
    from keras_cnnzoo.verify import Outcome

ANSWERS = Path("tests", "references", "answers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("patterns", nargs="*", default=["*"], help="shell-style, quoted: 'vgg1?_bn'")
    add(
        "--answers",
        type=Path,
        default=ANSWERS,
        help=f"folder with the outputs of the references (default: {ANSWERS})",
    )
    add("--table", type=Path, help="CSV file to write the results to")
    add(
        "--changed",
        action="store_true",
        help="only models that changed since their row of the table was written",
    )
    add(
        "--dry-run",
        action="store_true",
        help="only list the models that would be verified",
    )
    add(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="number of processes; one for each core is best (default: 1)",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Verify the models; write each row at once, so that a stopped run can continue."""
    from keras_cnnzoo import verify
    from keras_cnnzoo.verify import table

    if args.changed and args.table is None:
        raise ValueError(
            "--changed needs a table to compare with: give it with --table."
        )
    rows = {} if args.table is None else table.read(args.table)
    names = verify.verifiable(args.patterns, args.answers)
    if not names:
        raise ValueError(
            f"Nothing to compare for {args.patterns}: {args.answers} has no reference "
            "outputs of such a model. Run this in the root of the repository, or give "
            "--answers."
        )
    if args.changed:
        names = [n for n in names if verify.is_stale(n, args.answers, rows)]
    if args.dry_run:
        print(json.dumps(names, indent=2) if args.json else "\n".join(names))
        return
    wrong, compared = [], []
    outcomes = verify.sweep(names, args.answers, args.jobs)
    for i, outcome in enumerate(outcomes, start=1):
        verdict = _verdict(outcome)
        if verdict != "equal":
            wrong.append(outcome.name)
        elif args.table is not None and outcome.row is not None:
            rows[outcome.name] = outcome.row
            table.write(args.table, rows)
        if outcome.row is not None:
            compared.append(outcome.row)
        if not args.json:
            print(_line(outcome, verdict, f"{i}/{len(names)}"), flush=True)
    if args.json:
        print(json.dumps([dataclasses.asdict(row) for row in compared], indent=2))
    if wrong:
        raise ValueError(
            f"{len(wrong)} of {len(names)} cannot be compared, differ from their "
            f"references, or have nearly the same output for all images: "
            f"{', '.join(wrong)}."
        )
    if not args.json:
        print(f"{len(compared)} models equal their references.")


def _verdict(outcome: "Outcome") -> str:
    if outcome.found is None:
        return "FAILS"
    if not outcome.found.equal:
        return "DIFFERS"
    return "equal" if outcome.found.telling else "INCONCLUSIVE"


def _line(outcome: "Outcome", verdict: str, progress: str) -> str:
    row = outcome.row
    head = f"{progress:>8} {outcome.name:28} {verdict:8}"
    if row is None:
        return f"{head} {outcome.error}"
    maps = f", maps {row.features}" if row.features else ""
    return (
        f"{head} logits {row.logits}{maps}, images {row.apart} apart  "
        f"{row.params:,} parameters, {row.macs / 1e6:,.1f} M MACs  {row.reference}"
    )
