"""What recipes reached in this project's own trainings, with what made it so.

`cnnzoo train ... --record keras_cnnzoo/recipes/receipts.csv` writes the rows.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from keras_cnnzoo.backend.device import device_name
from keras_cnnzoo.csv_rows import read_rows, write_rows
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.recipes import HOME, PACKAGE, dataset_name

#: Options of the command that change nothing of what is measured, each with a value.
ASIDE = ("--record", "--out", "--save-every")
#: Packages whose versions a receipt has, beside that of the backend.
VERSIONS = ("keras-cnnzoo", "keras", "numpy")


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The result of one training.

    Attributes:
        recipe: Name of the recipe.
        model: Name of the model.
        data: Name of the data set.
        accuracy: Accuracy of the kept model, in percent.
        images: Number and split of the images that it was measured on.
        epochs: Epochs of the training.
        seed: Its seed.
        seconds: How long the training took, with validation.
        device: Name of the device.
        versions: Versions of the packages, with the backend.
        date: The day on which the training began, as YYYY-MM-DD.
        command: The command, with the names of files and not their folders.
    """

    recipe: str
    model: str
    data: str
    accuracy: float
    images: str
    epochs: int
    seed: int
    seconds: float
    device: str
    versions: str
    date: str
    command: str

    @classmethod
    def of(cls, run: Run) -> "Receipt":
        """Return the receipt of a finished run.

        Raises:
            ValueError: The run has no results, or its recipe no name.
        """
        config, results = run.config, run.results
        if "accuracy" not in results:
            raise ValueError(f"{run.folder} has no results, so there is no receipt.")
        recipe = config["recipe"]["name"]
        if not recipe:
            raise ValueError(
                f"The recipe of {run.folder} has no name; put it into a .toml file."
            )
        arguments, versions = config["arguments"], config["versions"]
        packages = {name: versions[name] for name in VERSIONS if name in versions}
        packages[config["backend"]] = versions.get(config["backend"], "")
        return cls(
            recipe=recipe,
            model=arguments["model"],
            data=dataset_name(arguments["data"]),
            accuracy=round(100 * results["accuracy"], 2),
            images=f"{results['count']} {results['split']}",
            epochs=results["epochs"],
            seed=config["seed"],
            seconds=round(results["seconds"], 1),
            device=device_name(),
            versions=", ".join(f"{name} {v}" for name, v in packages.items()),
            date=config["began"][:10],
            command=_plain_command(config["command"]),
        )


COLUMNS = tuple(field.name for field in fields(Receipt))


def receipts(path: Path | None = None) -> tuple[Receipt, ...]:
    """Return the receipts of a table; None for that of the package."""
    if path is None:
        ours = resources.files(PACKAGE) / HOME / "receipts.csv"
        with resources.as_file(ours) as file:
            return receipts(file)
    kinds: Any = get_type_hints(Receipt)
    return tuple(
        Receipt(**{name: kinds[name](value) for name, value in row.items()})
        for row in read_rows(path, COLUMNS)
    )


def record_receipt(path: Path, run: Run) -> Receipt:
    """Write the receipt of a run into a table, in place of one of the same command.

    Args:
        path: A CSV file of receipts; created if it does not exist.
        run: A finished run.

    Raises:
        ValueError: The file has other columns, or the run no results.
    """
    receipt = Receipt.of(run)
    rows = [each for each in receipts(path) if each.command != receipt.command]
    rows = sorted([*rows, receipt], key=lambda r: (r.recipe, r.model, r.command))
    write_rows(path, COLUMNS, map(asdict, rows))
    return receipt


def _plain_command(words: Sequence[str]) -> str:
    """Return the command without what concerns this machine alone."""
    plain, rest = ["cnnzoo"], iter(words[1:])
    for word in rest:
        if word in ASIDE:
            next(rest, None)
        elif not word.startswith(tuple(f"{option}=" for option in ASIDE)):
            plain.append(_plain_word(word))
    return " ".join(plain)


def _plain_word(word: str) -> str:
    """Return a word of the command, with the name of a file and not its folder."""
    if Path(word).exists():
        return Path(word).name
    option, equals, value = word.partition("=")
    return f"{option}{equals}{Path(value).name}" if Path(value).exists() else word
