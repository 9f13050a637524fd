"""Show the card of a model: paper, size, preprocessing, stages, weights, claims.

Example:
  cnnzoo show lenet5
  cnnzoo show resnet50 --json
"""

import argparse
import json
from typing import Any

from keras_cnnzoo.catalogue import Entry
from keras_cnnzoo.cli.cards import entry
from keras_cnnzoo.cli.options import add_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name", metavar="NAME", help="a name of `cnnzoo list`")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Print the card."""
    known = entry(args.name)
    if args.json:
        print(json.dumps(known, indent=2))
    else:
        _print_table(known)


def _print_table(known: Entry) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, lines in _lines(known).items():
        for i, line in enumerate(lines):
            table.add_row(name if i == 0 else "", line)
    Console(markup=False, highlight=False).print(table)


def _lines(card: Entry) -> dict[str, list[str]]:
    """Return a card's text: the lines to print for each heading."""
    paper, fed = card["paper"], card["preprocessing"]
    colours = fed["order"].upper() if len(fed["mean"]) > 1 else "grey"
    return {
        "name": [card["name"]],
        "family": [f"{card['family']} ({card['source']}, {card['license']})"],
        "paper": [
            f"{paper['title']}, {paper['authors']}, {paper['year']}",
            paper["url"],
        ],
        "task": [f"{card['task']}, {card['classes']:,} classes"],
        "input": [" x ".join(str(n or "any") for n in card["input_shape"])],
        "parameters": [f"{card['params']:,} trainable"],
        "cost": [f"{card['macs']:,} multiply-accumulates an image"],
        "preprocessing": [
            f"({colours} 0..255 - {_numbers(fed['mean'])}) / {_numbers(fed['std'])}, "
            "within the model",
            f"{_brought(fed)}, {fed['interpolation']}",
        ],
        "options": [f"{key} = {_python(v)}" for key, v in card["config"].items()],
        "stages": [
            f"{stage['name']}: stride {stage['stride']}, {stage['channels']} channels"
            for stage in card["stages"]
        ],
        "verified": [f"equals {card['verified']}"] if card["verified"] else [],
        "weights": [
            f"{w['tag']} ({w['license']}) {w['url']}; {w['checked']}"
            for w in card["weights"]
        ]
        or ["none published"],
        "claims": [
            f"{c['metric']}: {c['value']:g} ({c['source']})" for c in card["claims"]
        ],
        "results": [
            f"{r['metric']}: {r['value']:g} ({r['date']}, {r['command']})"
            for r in card["results"]
        ],
        "deviations": card["deviations"],
    }


def _python(value: Any) -> str:
    """Format an option as `build` takes it, with tuples for JSON's lists."""
    if isinstance(value, list):
        inside = ", ".join(map(_python, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value)


def _brought(fed: dict[str, Any]) -> str:
    return f"central crop {fed['crop']:g}" if fed["fit"] == "crop" else "stretched"


def _numbers(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
