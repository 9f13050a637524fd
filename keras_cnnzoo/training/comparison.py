"""Compare training runs: what differs between them, and what came of it."""

import csv
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_cnnzoo.html_table import html_table
from keras_cnnzoo.training.folder import CONFIG, HISTORY, MODEL, Run
from keras_cnnzoo.weights.files import named
from keras_cnnzoo.weights.keras_files import count_saved

#: What describes a recipe and does not change a training, or has a column of its own.
ABOUT = ("name", "source", "models", "data", "claims", "epochs")
#: Arguments of `train` that are neither in the recipe nor columns of their own.
ARGUMENTS = ("weights", "freeze")
#: Stands for a setting that a run does not have.
ABSENT = "-"


@dataclass(frozen=True)
class ComparedRun:
    """A run beside others; a value that is not known is None.

    Attributes:
        folder: The folder of the run.
        status: "finished", "interrupted" or "diverged"; "unfinished" if it goes on or
            was killed; or "damaged", with the reason.
        model: Name of the model.
        data: Name or path of the data.
        differences: The settings that are not the same in all runs.
        epochs: The epochs that were finished.
        planned_epochs: The epochs of the recipe.
        best_epoch: The epoch with the best validation accuracy.
        validation_accuracy: The validation accuracy of that epoch.
        accuracy: The accuracy at the end, on the images of `split`.
        split: "test", or "validation" if there are no test images.
        parameters: Number of all weights in the file of the best model.
        seconds: Duration of the training.
        backend: The backend.
        seed: The seed.
        history: The rows of `history.csv`.
    """

    folder: str
    status: str
    model: str | None = None
    data: str | None = None
    differences: Mapping[str, Any] = field(default_factory=dict)
    epochs: int | None = None
    planned_epochs: int | None = None
    best_epoch: int | None = None
    validation_accuracy: float | None = None
    accuracy: float | None = None
    split: str | None = None
    parameters: int | None = None
    seconds: float | None = None
    backend: str | None = None
    seed: int | None = None
    history: Sequence[Mapping[str, float]] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the history, for a JSON file or a row of a table."""
        return {k: v for k, v in vars(self).items() if k != "history"}


class Comparison(tuple[ComparedRun, ...]):
    """Compared runs in the order that they were given in.

    A notebook shows them as a table; `keras_cnnzoo.training.plot_runs` draws them.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        return html_table("runs", map(cells, self), columns=HEADINGS)


def compare_runs(folders: Sequence[str | os.PathLike[str]]) -> Comparison:
    """Compare the runs in some folders.

    Only their small files are read, and no model is built. A run that goes on, was
    killed, or whose files are damaged is among them with this status.

    Args:
        folders: Folders of runs, or folders that hold such folders.

    Raises:
        ValueError: A folder is no run and holds none.
    """
    runs = [_read(folder) for given in folders for folder in _below(Path(given))]
    settings = [settings for _, settings in runs]
    keys = dict.fromkeys(key for each in settings if each for key in each)
    known = [each for each in settings if each]
    differing = [
        key
        for key in keys
        if any(_get(each, key) != _get(known[0], key) for each in known)
    ]
    return Comparison(
        ComparedRun(
            **values,
            differences={key: _get(each, key) for key in differing} if each else {},
        )
        for values, each in runs
    )


def _below(folder: Path) -> Iterator[Path]:
    """Yield a run's folder itself, or else the run folders in it."""
    if (folder / CONFIG).is_file():
        yield folder
        return
    found = [path.parent for path in folder.glob(f"*/{CONFIG}")]
    if not found:
        raise ValueError(f"{folder} is no run folder and has none in it.")
    yield from sorted(found, key=_natural)


def _natural(path: Path) -> list[Any]:
    """Sort lenet5-digits-10 behind lenet5-digits-9."""
    stem, _, number = path.name.rpartition("-")
    return [stem, int(number)] if number.isdecimal() else [path.name, 0]


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values of a run, and all of its settings."""
    found: dict[str, Any] = {"folder": str(folder)}
    try:
        run = Run.open(folder)
        config, results = run.config, run.results
        found |= {
            "status": results.get("status", "unfinished"),
            "model": config["arguments"]["model"],
            "data": config["arguments"]["data"],
            "planned_epochs": config["recipe"]["epochs"],
            "accuracy": results.get("accuracy"),
            "split": results.get("split"),
            "backend": config["backend"],
            "seed": config["seed"],
        }
        settings = dict(_settings(config))
        history = _history(folder / HISTORY)
        found |= _of_history(history) | {"history": history}
        found["seconds"] = results.get("seconds", found["seconds"])
        if found["best_epoch"]:
            with named(run.folder / MODEL, ".keras"):
                found["parameters"] = count_saved(run.folder / MODEL)
    except (ValueError, KeyError, TypeError, OSError) as error:
        missing = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        return found | {"status": f"damaged: {' '.join(missing.split())}"}, {}
    return found, settings


def _settings(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each setting of a run by its dotted name."""
    recipe = config["recipe"]
    yield "recipe", recipe.get("name")
    yield from _flat({k: v for k, v in recipe.items() if k not in ABOUT})
    yield from ((name, config["arguments"].get(name)) for name in ARGUMENTS)


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def _get(settings: Mapping[str, Any], key: str) -> Any:
    return settings.get(key, ABSENT)


def _history(path: Path) -> list[dict[str, float]]:
    """Read the history; empty if no epoch was finished."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            {name: float(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]
    for row in rows:
        if not {"epoch", "val_accuracy", "seconds"} <= row.keys():
            raise ValueError(f"{path} has no epoch, val_accuracy or seconds.")
    return rows


def _of_history(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Return what the history says of the training."""
    valid = [row for row in rows if math.isfinite(row.get("val_loss", 0.0))]
    # As the best model is chosen: of equal accuracies, the lower loss.
    best = max(
        valid,
        key=lambda row: (row["val_accuracy"], -row.get("val_loss", 0.0)),
        default=None,
    )
    return {
        "epochs": len(rows),
        "best_epoch": best and int(best["epoch"]),
        "validation_accuracy": best and best["val_accuracy"],
        "seconds": round(sum(row["seconds"] for row in rows), 2),
    }


#: The columns of a table of runs: value, heading and format.
COLUMNS = (
    ("model", "model", "{}"),
    ("data", "data", "{}"),
    ("differences", "differences", "{}"),
    ("epochs", "epochs", "{:,}"),
    ("validation_accuracy", "validation", "{:.2%}"),
    ("accuracy", "accuracy", "{:.2%}"),
    ("split", "scored on", "{}"),
    ("parameters", "parameters", "{:,}"),
    ("seconds", "seconds", "{:,.0f}"),
    ("backend", "backend", "{}"),
    ("seed", "seed", "{}"),
    ("status", "status", "{}"),
)
HEADINGS = ("run", *(heading for _, heading, _ in COLUMNS))


def cells(run: ComparedRun) -> list[str]:
    """Return a run as texts, one for each of `HEADINGS`."""
    shown = run.to_dict() | {
        "differences": ", ".join(f"{k}={v}" for k, v in run.differences.items()),
        # A path is named by its last part.
        "data": run.data and Path(run.data).name,
    }
    texts = [
        "" if shown[name] is None else form.format(shown[name])
        for name, _, form in COLUMNS
    ]
    place = [name for name, _, _ in COLUMNS].index("epochs")
    if run.epochs is not None and run.epochs != run.planned_epochs:
        texts[place] += f" of {run.planned_epochs:,}"
    return [run.folder, *texts]
