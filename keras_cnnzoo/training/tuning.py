"""Search for a better recipe: train with other settings again and again."""

import gc
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from keras_cnnzoo import data as datasets
from keras_cnnzoo import registry
from keras_cnnzoo.files import write_text
from keras_cnnzoo.training import folder as folders
from keras_cnnzoo.training.choosing import as_changes
from keras_cnnzoo.training.fitting import TrainingStopped
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.processes import COUNT, Hosts
from keras_cnnzoo.training.recipe import Recipe
from keras_cnnzoo.training.recipe_file import recipe_toml
from keras_cnnzoo.training.recipes import dataset_name
from keras_cnnzoo.training.resuming import open_unfinished
from keras_cnnzoo.training.run import make_console, plain_argument, train
from keras_cnnzoo.training.search_space import (
    Choice,
    Range,
    default_space,
    read_space,
)
from keras_cnnzoo.training.transfer import found_for
from keras_cnnzoo.training.tuning_result import BEST, Trial, Tuning

#: The file of the search in its folder, and the name of the search there.
JOURNAL, STUDY = "journal.log", "search"
#: Arguments of `train` that the search decides itself.
DECIDED = ("resume", "find_rate", "learning_rate", "callbacks", "save_every")


def tune(
    name: str,
    data: Any = "digits",
    *,
    trials: int | None = None,
    minutes: float | None = None,
    search: Mapping[str, str | Sequence[Any]] | None = None,
    out: str | os.PathLike[str] | None = None,
    console: Console | None = None,
    **given: Any,
) -> Tuning:
    """Search for settings with which a model is trained better, by Optuna.

    Each trial is a run of `train`; the first one has the recipe's own settings. The
    validation accuracy decides, and no test image. Called again with the same folder
    and arguments, the search goes on, with the trial that was interrupted first.

    Args:
        name: As for `train`.
        data: As for `train`.
        trials: Trials in all, those of earlier calls included; None sets no limit.
        minutes: Time for this call. No trial begins that would take longer, by the
            longest one so far, but the first one. None sets no limit.
        search: What to try, by dotted name of a setting of the recipe, or option of the
            model: a range such as "1e-4..1e-1", by its logarithm if it is wide, or
            a list of values. Learning rate and weight decay are searched anyway, around
            the recipe's.
        out: The folder: new, empty, or that of an earlier call. None makes
            `runs/tune-<model>-<data>-<n>`.
        console: Where progress is shown; None takes the standard output.
        **given: Further arguments of `train`, for every trial.

    Returns:
        The trials, and the best one's recipe.

    Raises:
        ImportError: Optuna is not installed.
        ValueError: Neither trials nor minutes are limited, a setting is unknown or out
            of range, or the folder has a search with other arguments.
        TypeError: An argument of `train` is decided by the search.
        TrainingStopped: A signal arrived.

    Source:
        Bergstra et al., "Algorithms for Hyper-Parameter Optimization", 2011 (TPE);
        Optuna's `TPESampler`.
    """
    _optuna()
    if trials is None and minutes is None:
        raise ValueError("The search needs an end: give `trials` or `minutes`.")
    if given.get("hosts") is not None or Hosts.of_environment() is not None:
        raise ValueError(
            f"A search runs in one process. Leave `hosts` out, and {COUNT} unset."
        )
    if decided := [key for key in DECIDED if key in given]:
        raise TypeError(f"`{decided[0]}` is decided by the search. Leave it out.")
    photographs = datasets.open_source(data).are_photographs
    transfer, changes = given.get("transfer"), given.pop("set", None) or {}
    recipe = found_for(
        given.pop("recipe", None), transfer, name, data, photographs=photographs
    ).replace(as_changes(name, changes))
    space = default_space(recipe) | as_changes(name, read_space(search or {}))
    for key, part in space.items():
        for value in part.ends:
            recipe.replace({key: value})
    if out is None or not (Path(out) / JOURNAL).is_file():
        out = folders.make_folder(out, f"tune-{name}", dataset_name(data))
    say = (console or make_console()).print
    search_ = _Search(name, data, recipe, space, Path(out), given, say)
    search_.run(trials, minutes)
    return search_.result()


@dataclass
class _Search:
    """A search and its journal."""

    name: str
    data: Any
    recipe: Recipe
    space: Mapping[str, Range | Choice]
    folder: Path
    given: Mapping[str, Any]
    say: Callable[[str], Any]

    def __post_init__(self) -> None:
        self.optuna = _optuna()
        storages = self.optuna.storages
        # Lines of JSON; nothing is pickled.
        backend = storages.journal.JournalFileBackend(str(self.folder / JOURNAL))
        self.study = self.optuna.create_study(
            storage=storages.JournalStorage(backend),
            study_name=STUDY,
            direction="maximize",
            load_if_exists=True,
        )
        self._check_unchanged()

    def _check_unchanged(self) -> None:
        asked = {
            "model": self.name,
            "data": plain_argument(self.data),
            "recipe": self.recipe.to_dict(),
            "search": {key: str(part) for key, part in self.space.items()},
            "arguments": dict(self.given),
        }
        asked = json.loads(json.dumps(asked, default=str))
        known = self.study.user_attrs.get("asked")
        if known is None:
            self.study.set_user_attr("asked", asked)
            self.study.enqueue_trial(self._own())
        elif known != asked:
            wrong = next(key for key in asked if known.get(key) != asked[key])
            raise ValueError(
                f"The search in {self.folder} has other `{wrong}`: {known.get(wrong)}. "
                f"Now: {asked[wrong]}. Go on as it was begun, or give a new folder."
            )

    def _own(self) -> dict[str, Any]:
        """Return the recipe's own settings, where they are searched."""
        plain = self.recipe.to_dict()
        plain["model"] = registry.card(self.name).config | plain["model"]
        own = {}
        for key, part in self.space.items():
            value: Any = plain
            for name in key.split("."):
                value = value.get(name) if isinstance(value, Mapping) else None
            inside = (
                value in part.values
                if isinstance(part, Choice)
                else value is not None and part.low <= value <= part.high
            )
            if inside:
                own[key] = value
        return own

    def run(self, trials: int | None, minutes: float | None) -> None:
        """Go on with the search until its end."""
        began, longest = time.monotonic(), 0.0
        self._write_best()  # the last call may have ended before it did
        states = self.optuna.trial.TrialState
        interrupted = [t for t in self.study.trials if t.state == states.RUNNING]
        ended = sum(t.state.is_finished() for t in self.study.trials)
        limit = float("inf") if trials is None else trials
        left = float("inf") if minutes is None else 60 * minutes
        while ended < limit and (not longest or longest < left):
            start = time.monotonic()
            trial = interrupted.pop(0) if interrupted else self._next(ended)
            of = "" if trials is None else f" of {trials}"
            self._try(trial.number, trial.params, f"trial {ended + 1}{of}")
            gc.collect()  # the model of this one
            ended += 1
            longest = max(longest, time.monotonic() - start)
            left -= time.monotonic() - start
        self.say(f"{ended} trials, {time.monotonic() - began:.0f} s")

    def _next(self, number: int) -> Any:
        # A sampler's state is not saved, so that each trial has one of its own.
        seed = self.given.get("seed", 0) + number
        self.study.sampler = self.optuna.samplers.TPESampler(seed=seed)
        return self.study.ask(
            {key: self._distribution(part) for key, part in self.space.items()}
        )

    def _distribution(self, part: Range | Choice) -> Any:
        kinds = self.optuna.distributions
        if isinstance(part, Choice):
            return kinds.CategoricalDistribution(part.values)
        kind = kinds.IntDistribution if part.is_whole else kinds.FloatDistribution
        return kind(part.low, part.high, log=part.is_wide)

    def _folder(self, number: int) -> Path:
        return self.folder / f"trial-{number}"

    def _try(self, number: int, settings: Mapping[str, Any], title: str) -> None:
        """Train with settings, and tell the study what came of it."""
        folder = self._folder(number)
        shown = ", ".join(f"{key} {_short(v)}" for key, v in settings.items())
        self.say(f"{title}: {shown}")
        try:
            accuracy = self._train(folder, settings)
        except TrainingStopped as stopped:
            if stopped.run.results["status"] != "diverged":
                raise TrainingStopped(
                    f"Stopped in {title}. Go on with the same command and "
                    f"--out {self.folder}",
                    stopped.run,
                    stopped.exit_code,
                ) from stopped
            self.say("  it diverged")
            self.study.tell(number, state=self.optuna.trial.TrialState.FAIL)
            return
        except ValueError as error:
            # Settings that are possible alone may exclude each other.
            if (folder / folders.CONFIG).is_file() or self.result().best is None:
                raise
            self.say(f"  it was refused: {error}")
            self.study.tell(number, state=self.optuna.trial.TrialState.FAIL)
            return
        self.study.tell(number, accuracy)
        self.say(f"  validation accuracy {accuracy:.2%}")
        self._write_best()

    def _write_best(self) -> None:
        """Write the best trial's recipe, if there is one."""
        best = self.result().best
        if best is None:
            return
        recipe = Recipe.from_dict(Run.open(best.folder).config["recipe"])
        source = (
            f"cnnzoo tune {self.name}: validation accuracy "
            f"{best.validation_accuracy:.2%} in trial {best.number} of "
            f"{self.folder.name}"
        )
        write_text(self.folder / BEST, recipe_toml(replace(recipe, source=source)))

    def _train(self, folder: Path, settings: Mapping[str, Any]) -> float:
        place: dict[str, Any] = {"out": folder}
        if (folder / folders.CONFIG).is_file():
            run = Run.open(folder)
            if run.results.get("status") == "finished":
                return float(run.results["validation_accuracy"])
            place = {"resume": open_unfinished(folder).folder}
        run = train(
            self.name,
            self.data,
            recipe=self.recipe,
            set=settings,
            console=Console(quiet=True),
            **place,
            **self.given,
        )
        return float(run.results["validation_accuracy"])

    def result(self) -> Tuning:
        """Return the trials that are finished."""
        return Tuning(
            self.folder,
            tuple(
                Trial(t.number, t.params, t.value, self._folder(t.number))
                for t in self.study.trials
                if t.state.is_finished()
            ),
        )


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ImportError(
            "`tune` needs Optuna: pip install 'keras-cnnzoo[tune]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
