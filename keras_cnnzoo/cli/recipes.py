"""List the recipes for training, or show one.

Example:
  cnnzoo recipes
  cnnzoo recipes lenet5_mnist
  cnnzoo recipes digits > mine.toml
  cnnzoo train lenet5 --recipe mine.toml
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_cnnzoo.cli.options import add_json

if TYPE_CHECKING:
    from keras_cnnzoo.training.receipts import Receipt
    from keras_cnnzoo.training.recipes import Entry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME|FILE", help="show this recipe, as TOML"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Print a table of all recipes, or one recipe."""
    from keras_cnnzoo.training.receipts import receipts
    from keras_cnnzoo.training.recipes import recipe_entries, recipe_entry

    if args.name is not None:
        entry = recipe_entry(args.name)
        plain = entry.recipe.to_dict()
        reached = [r for r in receipts() if r.recipe == entry.recipe.name]
        if args.json:
            found = plain | {"receipts": [dataclasses.asdict(r) for r in reached]}
            print(json.dumps(found, indent=2))
            return
        print(entry.text.rstrip())
        for receipt in reached:
            print(_as_comment(receipt))
        return
    entries = recipe_entries()
    if args.json:
        print(json.dumps([entry.recipe.to_dict() for entry in entries], indent=2))
    elif sys.stdout.isatty():
        _print_table(entries)
    else:
        print("\n".join(entry.recipe.name for entry in entries))


def _as_comment(receipt: "Receipt") -> str:
    """Return what was reached here as comments, so that the file stays a recipe."""
    return (
        f"\n# Reached by keras-cnnzoo: {receipt.model} {receipt.accuracy:.2f} % of "
        f"{receipt.images} images of {receipt.data},"
        f"\n# {receipt.epochs} epochs in {receipt.seconds:,.0f} s on {receipt.device}, "
        f"seed {receipt.seed}, {receipt.date}"
        f"\n# {receipt.command}"
    )


def _print_table(entries: "Sequence[Entry]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name", no_wrap=True)
    for header in ("models", "data"):
        # The beginning of long lists; `cnnzoo recipes NAME` has the rest.
        table.add_column(header, no_wrap=True, overflow="ellipsis", max_width=20)
    for header in ("length", "optimizer"):
        table.add_column(header, no_wrap=True)
    for recipe, *_ in entries:
        table.add_row(
            recipe.name,
            ", ".join(recipe.models),
            ", ".join(recipe.data),
            recipe.length,
            recipe.optimizer.name,
        )
    console = Console(markup=False, highlight=False)
    console.print(table)
    console.print(
        "`cnnzoo recipes NAME` shows one; `cnnzoo train --recipe NAME` uses it."
    )
