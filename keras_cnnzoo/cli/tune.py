"""Search for a better recipe by Optuna: train with other settings again and again.

Example:
  cnnzoo tune lenet5 --trials 20 --epochs 5
  cnnzoo tune resnet18 --data photos/ --image-size 64 --minutes 120 --out runs/search
  cnnzoo tune resnet18 --data photos/ --trials 30 --search augment.flip=true,false
              --search optimizer.learning_rate=1e-4..1e-1
  cnnzoo train resnet18 --data photos/ --recipe runs/search/best.toml
"""

import argparse
import json
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from keras_cnnzoo.cli.options import add_json
from keras_cnnzoo.cli.train import add_training, training_choices

if TYPE_CHECKING:
    from rich.console import Console

    from keras_cnnzoo.training import Tuning

#: Trials in the table.
SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("model", metavar="MODEL", help="a name of `cnnzoo list`")
    add("--trials", type=int, metavar="N", help="number of trainings in all")
    add(
        "--minutes",
        type=float,
        metavar="M",
        help="time for this call; no training begins that would take longer",
    )
    add(
        "--search",
        action="append",
        default=[],
        metavar="KEY=VALUES",
        type=searched,
        help="what to try, beside learning rate and weight decay: a setting of the "
        "recipe or an option of the model, with a range (mix.mixup=0.1..0.4) or values "
        "(pool=max,avg); may be repeated",
    )
    add(
        "--out",
        metavar="FOLDER",
        help="folder of the search; if it has one already, that goes on (default: "
        "runs/tune-MODEL-DATA-NUMBER)",
    )
    add_training(parser)
    add_json(parser)


def searched(text: str) -> tuple[str, str]:
    """Parse KEY=VALUES."""
    key, equals, values = text.partition("=")
    if not (equals and values and all(part.isidentifier() for part in key.split("."))):
        raise argparse.ArgumentTypeError(
            f"expected KEY=LOW..HIGH or KEY=VALUE,VALUE; received {text!r}"
        )
    return key, values


def run(args: argparse.Namespace) -> None:
    """Search, and print the best trials."""
    from rich.console import Console

    from keras_cnnzoo.training import tune

    console = Console(stderr=args.json, highlight=False, markup=False, soft_wrap=True)
    tuning = tune(
        args.model,
        args.data,
        trials=args.trials,
        minutes=args.minutes,
        search=dict(args.search),
        out=args.out,
        console=console,
        **training_choices(args),
    )
    if args.json:
        print(json.dumps(tuning.to_dict(), indent=2))
        return
    _print_table(tuning, console)
    if tuning.best is None:
        console.print("no trial has finished an epoch: search lower learning rates")
        return
    words = ["cnnzoo", "train", args.model, *_given(args)]
    words += ["--recipe", str(tuning.recipe_file)]
    console.print(
        f"the best recipe is {tuning.recipe_file}; to train by it: {shlex.join(words)}"
    )


def _given(args: argparse.Namespace) -> Iterator[str]:
    """Yield the options that a training takes and its recipe has not."""
    if args.data != "digits":
        yield from ("--data", args.data)
    for name in ("weights", "source", "class_names", "freeze", "transfer"):
        value = getattr(args, name)
        if value:
            yield f"--{name.replace('_', '-')}"
        if isinstance(value, str):
            yield value


def _print_table(tuning: "Tuning", console: "Console") -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    names = list(dict.fromkeys(key for t in tuning.trials for key in t.settings))
    for header in ("trial", "validation", *names):
        table.add_column(header, no_wrap=True, justify="right")
    for trial in tuning.ranked[:SHOWN]:
        accuracy = trial.validation_accuracy
        values = (trial.settings.get(name) for name in names)
        table.add_row(
            str(trial.number),
            "failed" if accuracy is None else f"{accuracy:.2%}",
            *(f"{v:.3g}" if isinstance(v, float) else str(v) for v in values),
        )
    console.print(table)
