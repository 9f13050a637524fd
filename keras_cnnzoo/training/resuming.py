"""Go on with a run: what it was started with, and whether that is still the same."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from keras_cnnzoo.data import Splits
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.recipe import Recipe

#: What a run's configuration holds of data that were given as arrays.
IN_MEMORY = ("tuple", "list", "dict", "Source")
#: What has to be the same when a run goes on.
SAME = (
    *("arguments", "seed", "recipe", "backend", "dtype_policy"),
    *("class_names", "images", "data_digests"),
)
#: Where the data are may change, but not the data.
FREE = ("arguments.data",)


def open_unfinished(folder: str | os.PathLike[str]) -> Run:
    """Open a run that can go on.

    Raises:
        ValueError: It is no run, or is finished.
    """
    run = Run.open(folder)
    if run.results.get("status") == "finished":
        raise ValueError(
            f"The run in {folder} is finished; nothing is left to train. To train its "
            f"model further, start a new run with weights={str(folder)!r}."
        )
    return run


def choices_of(run: Run) -> dict[str, Any]:
    """Return what a run was started with, as arguments for `train`.

    Raises:
        ValueError: Its data were arrays, which only their owner has.
    """
    given = run.config["arguments"]
    if given["data"] in IN_MEMORY:
        raise ValueError(
            f"The run in {run.folder} was trained on arrays. Go on from Python, with "
            "the same model and arrays: train(name, data, resume=folder)."
        )
    weights = given["weights"]
    return {
        "name": given["model"],
        "data": given["data"],
        "recipe": Recipe.from_dict(run.config["recipe"]),
        "seed": run.config["seed"],
        "weights": tuple(weights) if isinstance(weights, list) else weights,
        "freeze": given["freeze"],
        "transfer": given.get("transfer"),
        "find_rate": bool(given.get("find_rate")),
        "class_names": list(run.display_names),
    }


def data_digests(splits: Splits) -> dict[str, str]:
    """Return a short hash of every set."""
    return {name: part.examples.digest() for name, part in splits.sets.items()}


def check_unchanged(run: Run, config: Mapping[str, Any]) -> None:
    """Check that a run goes on with what it was started with.

    Args:
        run: The run.
        config: The configuration of the same training, if it were started now.

    Raises:
        ValueError: Something differs; the message says what.
    """
    found = [
        f"{name} was {before!r} and is {now!r}"
        for key in SAME
        for name, before, now in _differences(
            key, run.config.get(key), _as_json(config.get(key))
        )
        if name not in FREE
    ]
    if found:
        more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
        raise ValueError(
            f"The run in {run.folder} cannot go on with other settings or data: "
            f"{'; '.join(found[:3])}{more}. Resume it as it was started, or start a "
            "new run."
        )


def _differences(name: str, before: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in {**before, **now}:
            yield from _differences(f"{name}.{key}", before.get(key), now.get(key))
    elif before != now:
        yield name, before, now


def _as_json(value: Any) -> Any:
    """Return a value as it comes back from JSON, where tuples are lists."""
    if isinstance(value, Mapping):
        return {key: _as_json(part) for key, part in value.items()}
    return [_as_json(part) for part in value] if isinstance(value, tuple) else value
