"""What came out of a search for a recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_cnnzoo.training.recipe import Recipe
from keras_cnnzoo.training.recipes import load_recipe

#: The file of the best recipe in the folder of a search.
BEST = "best.toml"


@dataclass(frozen=True)
class Trial:
    """One training of a search.

    Attributes:
        number: Its number, counted from 0; number 0 has the recipe's own settings.
        settings: What was tried, by dotted name.
        validation_accuracy: That of its best epoch; None if it diverged, or if its
            settings exclude each other.
        folder: Its run folder.
    """

    number: int
    settings: Mapping[str, Any]
    validation_accuracy: float | None
    folder: Path


@dataclass(frozen=True)
class Tuning:
    """A search for a recipe.

    Attributes:
        folder: Holds a run folder for each trial, the journal, and `best.toml`.
        trials: The trials that are finished, in their order.
    """

    folder: Path
    trials: tuple[Trial, ...]

    @property
    def ranked(self) -> list[Trial]:
        """The trials by validation accuracy, the best first."""
        return sorted(self.trials, key=_accuracy, reverse=True)

    @property
    def best(self) -> Trial | None:
        """The best trial; None if none has finished an epoch."""
        scored = [t for t in self.ranked if t.validation_accuracy is not None]
        return scored[0] if scored else None

    def to_dict(self) -> dict[str, Any]:
        """Return the trials as plain data, the best first."""
        trials = [
            {
                "number": t.number,
                "settings": dict(t.settings),
                "validation_accuracy": t.validation_accuracy,
                "folder": str(t.folder),
            }
            for t in self.ranked
        ]
        recipe = None if self.best is None else str(self.recipe_file)
        return {"folder": str(self.folder), "recipe": recipe, "trials": trials}

    @property
    def recipe_file(self) -> Path:
        """The best trial's recipe, for `train(recipe=...)`."""
        return self.folder / BEST

    @property
    def recipe(self) -> Recipe:
        """The best trial's recipe.

        Raises:
            ValueError: No trial has finished an epoch.
        """
        return load_recipe(self.recipe_file)


def _accuracy(trial: Trial) -> float:
    """Return what trials are ranked by."""
    accuracy = trial.validation_accuracy
    return -1.0 if accuracy is None else accuracy
