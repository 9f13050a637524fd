"""Train a model by name, and write a folder with its weights, settings and results."""

import dataclasses
import math
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

from keras_cnnzoo import data as datasets
from keras_cnnzoo.data.names import names_beside
from keras_cnnzoo.training import folder as folders
from keras_cnnzoo.training.checkpoints import newest
from keras_cnnzoo.training.choosing import DECIDED, as_changes
from keras_cnnzoo.training.devices import open_devices
from keras_cnnzoo.training.fitting import fit_and_score
from keras_cnnzoo.training.folder import Run
from keras_cnnzoo.training.inputs import check_classifier
from keras_cnnzoo.training.plan import describe
from keras_cnnzoo.training.preparing import prepare
from keras_cnnzoo.training.processes import Hosts, join
from keras_cnnzoo.training.rate_search import with_found_rate
from keras_cnnzoo.training.recipe import Recipe
from keras_cnnzoo.training.recipes import dataset_name
from keras_cnnzoo.training.resuming import (
    check_unchanged,
    choices_of,
    open_unfinished,
)
from keras_cnnzoo.training.transfer import check_transfer, found_for


def train(  # noqa: PLR0913 - each is a choice that users make by name
    name: str | None = None,
    data: Any = "digits",
    *,
    resume: str | os.PathLike[str] | None = None,
    recipe: Recipe | str | os.PathLike[str] | None = None,
    set: Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] | None = None,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    find_rate: bool = False,
    image_size: int | None = None,
    weights: Any = None,
    freeze: bool | str = False,
    transfer: str | None = None,
    class_names: Any = None,
    devices: int | None = None,
    hosts: Hosts | str | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    save_every: float | None = None,
    console: Console | None = None,
    **overrides: Any,
) -> Run:
    """Train a classifier by name, and write a run folder.

    The model is saved after every epoch whose validation accuracy is the best so far.
    The best one is evaluated on the test images at the end or, without test images, on
    the validation images. Two runs with the same seed on one machine are equal.

    Checkpoints are saved during the training, so that a run that was killed at any
    moment goes on by `resume`, and ends with the same weights and history, to the last
    bit, as if nothing had happened. The first Ctrl-C or SIGTERM saves a checkpoint
    before the next step and raises `TrainingStopped`. If the loss is no longer finite,
    the training goes back to the last checkpoint once, with a tenth of the learning
    rate, and then raises `TrainingStopped`. Problems that make the training useless,
    such as the same prediction for every image, are reported in one line as they
    occur, and again in the results.

    Args:
        name: A model of `keras_cnnzoo.list_models()`. It may be left out with `resume`.
        data: As for `keras_cnnzoo.data.load`.
        resume: The folder of a run that did not finish, to go on with it. Without
            `name`, everything else is taken from the run; with it, all arguments must
            be those that the run was started with.
        recipe: A recipe, its name, or the path of its `.toml` file; None chooses by
            model and data.
        set: Changes to the recipe by dotted name, such as
            `{"optimizer.learning_rate": 0.1}`, and options of the model.
        out: The run folder, new or empty; None makes `runs/<model>-<data>-<n>`.
        seed: Determines initial weights, order, augmentation and the validation set.
        epochs: Replaces the recipe's.
        batch_size: Replaces the recipe's.
        learning_rate: Replaces the recipe's.
        find_rate: Whether to replace it by the suggestion of `find_learning_rate`. The
            run folder then has the curve as `learning_rates.png`, and `config.json` the
            rate, which a resumed run goes on with.
        image_size: Height and width of the resized images in pixels; None takes the
            model's default.
        weights: Start weights, as for `keras_cnnzoo.build`, or the folder of a run, to
            start from its best model.
        freeze: True trains only the head; a layer's name trains that layer and all
            after it. See `keras_cnnzoo.training.freeze`. If start weights are given
            and nothing is frozen, all layers but the head train at the recipe's
            `body_rate`.
        transfer: How to go on from the start weights. "probe" trains the head alone, on
            features that are computed once, without augmentation; callbacks then see
            the head. "finetune" trains all layers, early stages at lower learning
            rates; "gradual" too, but the head first, and in each epoch a stage more.
            See `linear_probe` and `fine_tune`.
        class_names: Names of the classes for display, in order or in a file, as for
            `keras_cnnzoo.data.load`.
        devices: How many devices of this machine compute each step. They split the
            recipe's batch, and learn what one device would, up to rounding. None takes
            one, or for `resume` as many as each process had; with several
            processes, all.
        hosts: Where several processes that train together find each other, as `Hosts`
            or as `"ADDRESS:PORT,COUNT,INDEX"`. None takes what the environment says,
            or one process. JAX only.
        callbacks: Keras callbacks of your own. What they keep in plain attributes
            (numbers, texts, lists and dicts of them) is part of a checkpoint.
        save_every: Seconds between two checkpoints. None saves as often as it costs at
            most 2 % of the time.
        console: Where progress is shown; None takes the standard output.
        **overrides: Options of the model, as for `keras_cnnzoo.build`.

    Returns:
        The run, with `model`, `results` and `folder`.

    Raises:
        ValueError: There is no such model, data set or recipe, or they do not fit
            together.
        TypeError: The model has no such option.
        OSError: The run folder cannot be written; this is checked before training.
        TrainingStopped: The training ended early. Its `run` has the best model.
        ProcessLost: Another one of several processes has ended.
    """
    began = datetime.now(UTC)
    processes = join(Hosts.parse(hosts) if isinstance(hosts, str) else hosts)
    processes.begin()
    if resume is not None:
        resume = processes.copied(Path(resume))
    resumed = None if resume is None else open_unfinished(resume)
    if name is None:
        if resumed is None:
            raise TypeError("`name` is missing: the model to train.")
        given = {
            "recipe": recipe,
            "set": set,
            "out": out,
            "seed": seed or None,
            "epochs": epochs,
            "batch_size": batch_size,
            "weights": weights,
            "learning_rate": learning_rate,
            "find_rate": find_rate,
            "image_size": image_size,
            "freeze": freeze or None,
            "transfer": transfer,
            "class_names": class_names,
            **overrides,
        }
        if more := [key for key, value in given.items() if value]:
            raise TypeError(
                f"Without `name`, everything is taken from the run. Leave out "
                f"{', '.join(f'`{key}`' for key in more)}."
            )
        choices = choices_of(resumed)
        return train(
            **choices,
            resume=resume,
            devices=devices,
            callbacks=callbacks,
            save_every=save_every,
            console=console,
        )
    arguments = {
        "model": name,
        "data": plain_argument(data),
        "weights": plain_argument(weights),
        "freeze": freeze,
        "transfer": transfer,
        "find_rate": find_rate or None,
    }
    is_given = learning_rate is not None or "optimizer.learning_rate" in (set or {})
    if find_rate and is_given:
        raise ValueError("`find_rate` replaces `learning_rate`. Give one of them.")
    if decided := [option for option in DECIDED if option in overrides]:
        raise TypeError(f"`{decided[0]}` is decided by the data, and cannot be set.")
    check_classifier(name)
    check_transfer(transfer, weights=weights, freeze=freeze, settings=set or ())
    if devices is None and resumed is not None and processes.count == 1:
        devices = resumed.devices_each
    spread = open_devices(devices, processes)
    if find_rate and spread.count > 1:
        raise ValueError(
            "`find_rate` is for one device. Find the rate there, then give it as "
            "`learning_rate`."
        )
    if not processes.leads:
        # Only process 0 writes the run's folder and shows how it goes.
        out, save_every, console = processes.own_folder(), math.inf, Console(quiet=True)
    source = datasets.open_source(data)
    chosen = found_for(recipe, transfer, name, data, photographs=source.are_photographs)
    if find_rate and resumed is not None:
        found = Recipe.from_dict(resumed.config["recipe"])
        learning_rate = found.optimizer.learning_rate
    short = {
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer.learning_rate": learning_rate,
        "images.size": image_size,
    }
    chosen = chosen.replace(
        {key: value for key, value in short.items() if value is not None}
        | {f"model.{key}": value for key, value in overrides.items()}
        | as_changes(name, set or {})
    )
    prepared = prepare(
        name,
        source,
        chosen,
        seed=seed,
        weights=weights,
        freeze=freeze,
        transfer=transfer,
        class_names=class_names or names_beside(data, source.class_names),
        devices=spread,
    )
    splits = prepared.splits
    config = {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "seed": seed,
        "arguments": arguments,
        "recipe": prepared.recipe.to_dict(),
        "images": {
            **dataclasses.asdict(splits.adapter),  # type: ignore[arg-type]
            **{split: s.num_examples for split, s in splits.sets.items()},
            "left_out": len(splits.skipped),
        },
        "data_digests": prepared.digests,
        "class_names": splits.class_names,
        "display_names": splits.display_names,
        "found_rate": None,
        "backend": keras.backend.backend(),
        "devices": spread.count,
        "processes": processes.count,
        "dtype_policy": prepared.model.dtype_policy.name,
        "versions": folders.versions(),
        "began": began.isoformat(timespec="seconds"),
        "results": None,
    }
    start = None
    shown = console or make_console()
    if resumed is not None:
        check_unchanged(resumed, config)
        start = newest(resumed.folder / folders.CHECKPOINTS)
        run = resumed.reopen(spread.count, processes.count)
    else:
        folder = folders.make_folder(out, name, dataset_name(data))
        if find_rate:
            prepared.compile()
            prepared, config["found_rate"] = with_found_rate(
                prepared, folder, shown.print
            )
            config["recipe"] = prepared.recipe.to_dict()
        run = Run(folder, config)
        folders.write_config(run.folder, run.config)
    prepared.compile(run.rate)
    shown.print(describe(run, prepared, start))
    return fit_and_score(
        run,
        prepared,
        shown,
        callbacks=callbacks,
        save_every=save_every,
        start=start,
    )


def make_console() -> Console:
    """Return the standard output, where progress is shown."""
    return Console(highlight=False, markup=False, soft_wrap=True)


def plain_argument(value: Any) -> Any:
    """Return the value of an argument for a JSON file."""
    if isinstance(value, tuple) and all(
        isinstance(v, str | os.PathLike) for v in value
    ):
        return [plain_argument(v) for v in value]
    if isinstance(value, str | os.PathLike):
        path = Path(value).expanduser()
        return str(path.resolve()) if path.exists() else str(value)
    return value if value is None else type(value).__name__
