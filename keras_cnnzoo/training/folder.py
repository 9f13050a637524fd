"""The folder of a training run: its files, and how to create and open it."""

import dataclasses
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.axes import place_channels
from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.data.names import display_names
from keras_cnnzoo.data.reading import read
from keras_cnnzoo.files import write_text
from keras_cnnzoo.training.notebook import run_html
from keras_cnnzoo.weights.saved import load_saved

CONFIG, MODEL, HISTORY = "config.json", "model.keras", "history.csv"
CURVES, CONFUSION, CHECKPOINTS = "curves.png", "confusion.png", "checkpoints"
ADAPTER = tuple(field.name for field in dataclasses.fields(Adapter))
PACKAGES = (
    *("keras-cnnzoo", "keras", "tensorflow", "jax", "torch", "numpy", "pillow"),
    # Pixels and order depend on them.
    *("grain", "simplejpeg", "cykooz-resizer"),
)


@dataclass(frozen=True)
class Run:
    """A training run on disk.

    Attributes:
        folder: Holds `model.keras` (the best epoch by validation accuracy),
            `history.csv`, `config.json`, `curves.png` and `confusion.png`.
        config: The content of `config.json`: everything needed to repeat the run, and
            its results under `results`.
    """

    folder: Path
    config: Mapping[str, Any]

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> "Run":
        """Open the folder of a run.

        Raises:
            ValueError: The folder is not that of a run.
        """
        path = Path(folder) / CONFIG
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
            run = cls(Path(folder), config)
            _ = run.class_names, run.adapter  # fail now if an entry is missing
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ValueError(
                f"{folder} is no run folder: it holds no {CONFIG}."
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is damaged, or not of this package.") from error
        return run

    @cached_property
    def model(self) -> keras.Model:
        """The best model, ready for `predict`.

        Raises:
            ValueError: No epoch was finished, or the file is damaged or describes a
                model far larger than the weights it holds.
        """
        return load_saved(self.model_file)

    @property
    def model_file(self) -> Path:
        """The file of the best model.

        Raises:
            ValueError: No epoch was finished, so there is no file.
        """
        path = self.folder / MODEL
        if not path.is_file():
            raise ValueError(f"{self.folder} holds no {MODEL}: no epoch was finished.")
        return path

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the model's outputs.

        These are the names in the data: folder names, numbers or ids.
        """
        return tuple(self.config["class_names"])

    @property
    def display_names(self) -> tuple[str, ...]:
        """Names of the classes for display, in the order of the model's outputs."""
        return tuple(
            self.config.get("display_names") or display_names(self.class_names)
        )

    @property
    def results(self) -> Mapping[str, Any]:
        """The results; empty while the run goes on."""
        return self.config["results"] or {}

    @property
    def rate(self) -> float:
        """Factor on the recipe's learning rate; below 1 after the loss diverged."""
        return float(self.config.get("rate", 1.0))

    @property
    def lowered(self) -> bool:
        """Whether the learning rate was lowered, since the loss diverged."""
        return self.rate < 1

    @property
    def notes(self) -> list[str]:
        """Why the learning rate was lowered, if it was."""
        return [self.config["rate_lowered_because"]] if self.lowered else []

    @property
    def adapter(self) -> Adapter:
        """How images were resized to the model's input."""
        images = self.config["images"]
        given = {key: images[key] for key in ADAPTER if key in images}
        return Adapter(**given | {"size": tuple(images["size"])})

    def _repr_html_(self) -> str:
        """Show the run in a notebook: its results and plots."""
        return run_html(self.folder, self.config, (CURVES, CONFUSION))

    def lower_rate(self, factor: float, why: str) -> "Run":
        """Write a factor on the learning rate, and its reason, into `config.json`."""
        lowered = {"rate": factor, "rate_lowered_because": why}
        run = Run(self.folder, {**self.config, **lowered})
        write_config(run.folder, run.config)
        return run

    @property
    def devices_each(self) -> int:
        """The number of devices on which each process trained."""
        devices, processes = (self.config.get(k, 1) for k in ("devices", "processes"))
        return int(devices) // int(processes)

    def reopen(self, devices: int, processes: int) -> "Run":
        """Remove the results from `config.json`, since the run goes on.

        Args:
            devices: The number of devices on which it does, of all processes together.
            processes: The number of processes.
        """
        now = {"devices": devices, "processes": processes, "results": None}
        run = Run(self.folder, {**self.config, **now})
        write_config(run.folder, run.config)
        return run

    def finish(self, results: Mapping[str, Any]) -> "Run":
        """Write the results into `config.json`."""
        run = Run(self.folder, {**self.config, "results": dict(results)})
        write_config(run.folder, run.config)
        return run


def read_images(
    paths: Sequence[str | os.PathLike[str]], adapter: Adapter
) -> np.ndarray:
    """Read image files into a batch that a model takes.

    Raises:
        ValueError: A file is missing, damaged or not an image; the message names it.
    """
    images = []
    for path in paths:
        try:
            images.append(read(Path(path), adapter))
        except FileNotFoundError as error:
            raise ValueError(f"There is no file {path}.") from error
        except Exception as error:  # Pillow's decoders raise various exceptions
            raise ValueError(f"{path} cannot be read as an image: {error}") from error
    return place_channels(np.stack(images).astype("float32"))


def make_folder(wanted: str | os.PathLike[str] | None, model: str, data: str) -> Path:
    """Create the folder of a new run.

    Args:
        wanted: The folder, new or empty. None takes the first of
            `runs/<model>-<data>-1`, `-2` and so on that does not exist.
        model: Name of the model.
        data: Name of the data.

    Raises:
        FileExistsError: `wanted` is not empty.
        OSError: The folder cannot be created.
    """
    try:
        if wanted is None:
            return _numbered(Path("runs"), f"{model}-{data}")
        folder = Path(wanted)
        folder.mkdir(parents=True, exist_ok=True)
        in_use = any(folder.iterdir())
    except OSError as error:
        raise OSError(
            error.errno,
            f"No run folder can be made at {wanted or 'runs'}: {error.strerror}",
        ) from error
    if in_use:
        raise FileExistsError(
            f"{folder} is not empty, and a run does not overwrite another. "
            "Choose a new folder."
        )
    return folder


def _numbered(parent: Path, name: str) -> Path:
    """Create the first of `name-1`, `name-2` and so on that does not exist."""
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = parent / f"{name}-{number}"
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write `config.json`."""
    write_text(folder / CONFIG, json.dumps(config, indent=2) + "\n")


def versions() -> dict[str, str]:
    """Return the versions of Python, the platform and the packages of a run."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
