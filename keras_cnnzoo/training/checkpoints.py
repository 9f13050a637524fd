"""Checkpoints, from which a training that was killed goes on as if it never stopped.

A checkpoint holds all that decides the rest of a training: the weights, the moving
statistics, the optimizer's state, the metrics of the epoch so far, the states of the
random generators, the place in the data, and what the callbacks remember.
"""

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import ml_dtypes
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from keras_cnnzoo.files import replacing

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Place:
    """How far a training has come.

    Attributes:
        epoch: The current epoch, counted from 0.
        step: How many of its batches were taken.
    """

    epoch: int = 0
    step: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two steps.

    Attributes:
        place: How far the training has come.
        arrays: The value of every variable, by its group, number and path.
        memory: What the callbacks remember, as JSON.
        stopped: Whether a callback has ended the training.
    """

    place: Place
    arrays: Mapping[str, np.ndarray]
    memory: Sequence[Mapping[str, Any]]
    stopped: bool = False

    @classmethod
    def of(
        cls,
        model: keras.Model,
        place: Place,
        memory: Sequence[Mapping[str, Any]],
        others: Sequence[keras.Variable] = (),
    ) -> "Checkpoint":
        """Copy the state of a compiled model, and other variables."""
        arrays = {
            name: np.array(keras.ops.convert_to_numpy(variable), order="C")
            for name, variable in _variables(model, others).items()
        }
        return cls(place, arrays, memory, bool(model.stop_training))

    @property
    def is_finite(self) -> bool:
        """Whether no weight is NaN or infinite."""
        return all(
            np.isfinite(array.astype(np.float32)).all()
            for name, array in self.arrays.items()
            if name.startswith("model/") and array.dtype.kind not in "iub"
        )

    def restore(
        self, model: keras.Model, others: Sequence[keras.Variable] = ()
    ) -> None:
        """Give a compiled and built model, and other variables, the saved state.

        Raises:
            ValueError: The model or its optimizer has other variables. Nothing is
                changed then.
        """
        variables = _variables(model, others)
        ours = {name: tuple(v.shape) for name, v in variables.items()}
        theirs = {name: array.shape for name, array in self.arrays.items()}
        if ours != theirs:
            names = sorted({*ours, *theirs})
            name = next(n for n in names if ours.get(n) != theirs.get(n))
            path = variables[name].path if name in variables else name
            raise ValueError(
                f"The checkpoint is of another model or optimizer: {path} has shape "
                f"{theirs.get(name, 'none')} in the checkpoint and "
                f"{ours.get(name, 'none')} here. Resume a run with the options that "
                "it was started with."
            )
        for name, variable in variables.items():
            if name.startswith("metrics/") and not self.place.step:
                continue  # an epoch begins with new ones
            array = self.arrays[name]
            if variable.dtype == "bfloat16" and array.dtype == np.uint16:
                array = array.view(ml_dtypes.bfloat16)
            variable.assign(array)

    def write(self, folder: Path) -> Path:
        """Write the checkpoint into a folder, completely or not at all.

        Returns:
            The file.

        Raises:
            OSError: It cannot be written.
        """
        path = folder / f"epoch{self.place.epoch:05}-step{self.place.step:07}{SUFFIX}"
        content = json.dumps(
            {
                "epoch": self.place.epoch,
                "step": self.place.step,
                "memory": self.memory,
                "stopped": self.stopped,
            }
        )
        arrays = {name: _storable(array) for name, array in self.arrays.items()}
        digest = _digest(content, arrays)
        with replacing(path) as partial:
            save_file(arrays, partial, {"content": content, "sha256": digest})
        return path


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        ValueError: The file is damaged, or is no checkpoint.
    """
    try:
        with safe_open(path, "np") as file:
            told = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if _digest(told["content"], arrays) != told["sha256"]:
            raise ValueError("its digest is another")
        content = json.loads(told["content"])
        place = Place(content["epoch"], content["step"])
        return Checkpoint(place, arrays, content["memory"], content["stopped"])
    except Exception as error:  # safetensors raises an exception of its own
        raise ValueError(f"{path} is damaged, or no checkpoint: {error}") from error


def newest(folder: Path) -> Checkpoint | None:
    """Return the newest undamaged checkpoint in a folder; None if there is none.

    A damaged one is named in a warning, and the one before it is taken.
    """
    for path in sorted(folder.glob(f"epoch*{SUFFIX}"), reverse=True):
        try:
            return read(path)
        except ValueError as error:
            warnings.warn(f"{error}. The one before it is taken.", stacklevel=2)
    return None


def remove_all_but(folder: Path, count: int) -> None:
    """Remove the oldest checkpoints of a folder, so that `count` are left."""
    files = sorted(folder.glob(f"epoch*{SUFFIX}"))
    for path in files[: max(0, len(files) - count)]:
        path.unlink(missing_ok=True)


def _variables(
    model: keras.Model, others: Sequence[keras.Variable]
) -> dict[str, keras.Variable]:
    groups: dict[str, Sequence[keras.Variable]] = {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
        "others": others,
    }
    # Names of layers count up in a process, so the number decides, not the path.
    return {
        f"{group}/{number:05}": variable
        for group, variables in groups.items()
        for number, variable in enumerate(variables)
    }


def _storable(array: np.ndarray) -> np.ndarray:
    """Return an array of a type that NumPy has: for bfloat16, its bits."""
    return array if array.dtype.kind in "iufb" else array.view(np.uint16)


def _digest(content: str, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(content.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()
