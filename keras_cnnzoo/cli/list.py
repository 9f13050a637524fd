"""List the models that can be built.

Example:
  cnnzoo list
  cnnzoo list 'resnet*' --source keras_cnnzoo
  cnnzoo list --weights --json
"""

import argparse
import json

from keras_cnnzoo.cli.options import add_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("pattern", nargs="?", default="*", help="shell-style, quoted: 'vgg1?_bn'")
    add("--task", help="only models for this task, such as classification")
    add("--source", help="only models of this package, such as keras_cnnzoo")
    add(
        "--weights",
        action="store_true",
        default=None,
        help="only models with published weights",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Print a table on a terminal, and one name a line elsewhere."""
    from rich.console import Console

    from keras_cnnzoo import registry

    names = registry.list_models(
        args.pattern, task=args.task, source=args.source, weights=args.weights
    )
    if not names:
        raise ValueError(
            f"No model matches {args.pattern!r} and the filters; `cnnzoo list` shows "
            "all there are."
        )
    cards = [registry.card(name) for name in names]
    console = Console(markup=False, highlight=False)
    if args.json:
        print(json.dumps([_row(card) for card in cards], indent=2))
    elif console.is_terminal:
        console.print(_table(cards))
    else:
        print("\n".join(names))


def _row(card) -> dict:
    return {
        "name": card.name,
        "family": card.family,
        "year": card.paper.year,
        "input_shape": card.input_shape,
        "classes": card.classes,
        "task": card.task,
        "source": card.source,
        "weights": [weights.tag for weights in card.weights],
    }


def _table(cards):
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("name", "year", "input", "task", "source", "weights"):
        table.add_column(header, overflow="fold")
    for card in cards:
        row = _row(card)
        size = " x ".join(str(n or "any") for n in row["input_shape"])
        count = str(len(row["weights"]) or "")
        table.add_row(
            row["name"], str(row["year"]), size, row["task"], row["source"], count
        )
    return table
