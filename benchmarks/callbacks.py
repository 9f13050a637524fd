"""Time what the callbacks of `train` add to `fit`, each and together.

    python benchmarks/callbacks.py

Trains LeNet-5 on the package's digits from memory, without augmentation. Prints the
time with each callback, as a share of that without any.
"""

import argparse
import io
import tempfile
from pathlib import Path

import keras
from interleaved import ratios
from rich.console import Console

from keras_cnnzoo import data
from keras_cnnzoo.training import (
    HistoryFile,
    KeepBest,
    KeepCheckpoints,
    ProgressBar,
    StopInOrder,
    Watch,
    find_recipe,
)
from keras_cnnzoo.training.preparing import prepare


class Terminal(io.StringIO):
    """Text in memory that a bar is drawn on as on a terminal."""

    def isatty(self) -> bool:
        return True


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()

    prepared = prepare(
        "lenet5",
        data.open_source("digits"),
        find_recipe("lenet5", "digits").replace({"augment": None}),
        seed=0,
    )
    prepared.compile()
    model, batch_size = prepared.model, prepared.recipe.batch_size
    splits = prepared.splits
    train, validation = splits.split("train"), splits.split("validation")
    (images, labels), held_out = train.arrays(), validation.arrays()
    folder = Path(tempfile.mkdtemp())
    terminal = Console(file=Terminal(), force_terminal=True, width=100)
    names = splits.class_names
    makers = {
        "HistoryFile": lambda: HistoryFile(folder / "history.csv"),
        "KeepBest": lambda: KeepBest(folder / "model.keras"),
        "ProgressBar, a line": lambda: ProgressBar(
            Console(file=io.StringIO()), len(images)
        ),
        "ProgressBar, a bar": lambda: ProgressBar(terminal, len(images)),
        "checkpoints": lambda: KeepCheckpoints(folder / "checkpoints"),
        "StopInOrder": lambda: StopInOrder(KeepCheckpoints(folder / "checkpoints")),
        "Watch": lambda: Watch(lambda text: None, train, validation, names),
    }

    def fit(*chosen: str) -> None:
        model.fit(
            images,
            labels,
            batch_size=batch_size,
            epochs=args.epochs,
            validation_data=held_out,
            verbose=0,
            callbacks=[makers[name]() for name in chosen],
        )

    ways = {"none": (), **{name: (name,) for name in makers}}
    ways["all"] = tuple(name for name in makers if name != "ProgressBar, a line")
    runs = {name: lambda chosen=chosen: fit(*chosen) for name, chosen in ways.items()}
    print(f"{keras.backend.backend()}: {len(train)} steps of {batch_size} an epoch")
    for name, ratio in ratios(runs, rounds=args.rounds).items():
        print(f"{name:20} {ratio:.2f}")


if __name__ == "__main__":
    main()
