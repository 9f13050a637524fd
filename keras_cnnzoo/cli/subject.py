"""The trained model that a command looks at: of a run, a file, or a name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from keras_cnnzoo import registry, zoo
from keras_cnnzoo.cards import Preprocessing
from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.data.imagenet import imagenet_classes
from keras_cnnzoo.training.folder import CONFIG, MODEL, Run
from keras_cnnzoo.training.inputs import channels_last
from keras_cnnzoo.weights.sources import find


@dataclass(frozen=True)
class Subject:
    """A trained classifier, and how it is fed.

    Attributes:
        name: The model's name.
        model: Gives probabilities.
        adapter: Brings images to the model's size.
        fit: The same for `keras_cnnzoo.data.load`.
        class_names: Names of the outputs, None where nobody named them.
        trained_on: Arguments of `keras_cnnzoo.data.load` that give a run's data.
    """

    name: str
    model: keras.Model
    adapter: Adapter
    fit: str | Preprocessing
    class_names: tuple[str, ...] | None
    trained_on: dict[str, Any]


def open_subject(what: str, weights: str | None, source: str | None = None) -> Subject:
    """Open a run's folder or a `.keras` file, or build a name with weights.

    Raises:
        ValueError: It is none of these, or a name came without weights.
    """
    if Path(what).suffix == ".keras":
        return _of_file(Path(what), weights or source)
    if Path(what).exists() or Path(what).name != what:
        return _of_run(what, weights or source)
    return _of_name(what, weights, source)


def _of_file(path: Path, weights: str | None) -> Subject:
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    if (path.parent / CONFIG).is_file() and path.name == MODEL:
        return _of_run(str(path.parent), weights)
    if weights is not None:
        raise ValueError(f"{path} has its own weights; --weights goes with a name.")
    model = keras.saving.load_model(path, compile=False)
    shape: Any = channels_last(model.input_shape[1:])
    if len(shape) != 3 or None in shape:
        raise ValueError(
            f"{path} takes inputs of shape {shape}, and images are brought to one "
            "(height, width, channels). Save it with an input of fixed size."
        )
    height, width, channels = shape
    return Subject(
        name=path.stem,
        model=model,
        adapter=Adapter((height, width), channels),
        fit="resize",
        class_names=None,
        trained_on={},
    )


def _of_run(folder: str, weights: str | None) -> Subject:
    if weights is not None:
        raise ValueError(
            f"{folder} is a run and has its own weights; --weights goes with a name."
        )
    run = Run.open(folder)
    config = run.config
    return Subject(
        name=config["arguments"]["model"],
        model=run.model,
        adapter=run.adapter,
        fit=run.adapter.fit,
        class_names=run.class_names,
        trained_on={
            "name_or_path": config["arguments"]["data"],
            "validation": config["recipe"]["validation"],
            "seed": config["seed"],
        },
    )


def _of_name(name: str, weights: str | None, source: str | None) -> Subject:
    card = registry.card(name)
    if weights is None:
        raise ValueError(
            f"{name!r} alone knows nothing yet: give --weights, or a folder that "
            f"`cnnzoo train {name}` made."
        )
    row = find(name, weights if source is None else (source, weights))
    model = zoo.build(name, weights=row or weights)
    shape: Any = channels_last(model.input_shape[1:])
    height, width, channels = shape
    fit = (row and row.preprocessing) or card.preprocessing
    return Subject(
        name=name,
        model=model,
        adapter=Adapter(
            (height, width), channels, fit.fit, fit.crop, fit.interpolation
        ),
        fit=fit,
        class_names=imagenet_classes(model.output_shape[-1]),
        trained_on={},
    )
