"""Open the trained model that a command uses, from a run, a file or a name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from keras_cnnzoo import registry, zoo
from keras_cnnzoo.axes import channels_last_shape
from keras_cnnzoo.cli.options import source_of
from keras_cnnzoo.data import display_names
from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.data.imagenet import imagenet_classes
from keras_cnnzoo.training.folder import CONFIG, MODEL, Run
from keras_cnnzoo.training.inputs import preprocessing_of
from keras_cnnzoo.weights.saved import load_saved


@dataclass(frozen=True)
class Subject:
    """A trained classifier, with the preprocessing and the names of its classes.

    Attributes:
        name: The model's name.
        model: The model, which outputs probabilities.
        adapter: Brings images to the model's size.
        class_names: The class names in its data, in the order of the outputs; None if
            they are not known.
        display_names: Class names to show, in the same order.
        trained_on: Arguments of `keras_cnnzoo.data.load` that load a run's data; empty
            if it is not a run.
        flip_test: Whether its recipe scores images together with their mirror images.
    """

    name: str
    model: keras.Model
    adapter: Adapter
    class_names: tuple[str, ...] | None
    display_names: tuple[str, ...] | None
    trained_on: dict[str, Any]
    flip_test: bool = False

    @property
    def labels(self) -> list[str] | None:
        """A name for each output, followed by its class name if that differs."""
        if self.class_names is None or self.display_names is None:
            return None
        both = zip(self.display_names, self.class_names, strict=True)
        return [name if name == own else f"{name} ({own})" for name, own in both]


def open_subject(
    what: str,
    weights: str | None,
    source: str | None = None,
    class_names: str | None = None,
) -> Subject:
    """Open a run's folder or a `.keras` file, or build a model by name with weights.

    Args:
        what: The folder, the file or the name.
        weights: Weights for a name: a file, a tag, or the folder of a run.
        source: The tag of the source from which the weights file comes.
        class_names: A file with class names to show.

    Raises:
        ValueError: `what` is none of these, or a name without weights.
    """
    if Path(what).suffix == ".keras":
        return _of_file(Path(what), weights or source, class_names)
    if Path(what).exists() or Path(what).name != what:
        return _of_run(what, weights or source, class_names)
    if weights is not None and (Path(weights) / CONFIG).is_file():
        return _of_named_run(what, weights, source, class_names)
    return _of_name(what, weights, source, class_names)


def _of_file(path: Path, weights: str | None, names: str | None) -> Subject:
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    if (path.parent / CONFIG).is_file() and path.name == MODEL:
        return _of_run(str(path.parent), weights, names)
    if weights is not None:
        raise ValueError(f"{path} has its own weights; --weights is for a name.")
    model = load_saved(path)
    shape: Any = channels_last_shape(model.input_shape[1:])
    if len(shape) != 3 or None in shape:
        raise ValueError(
            f"{path} has an input of shape {shape}, and images need a fixed (height, "
            "width, channels). Save the model with an input of fixed size."
        )
    height, width, channels = shape
    classes = imagenet_classes(model.output_shape[-1])
    if names is not None:
        classes = classes or tuple(map(str, range(model.output_shape[-1])))
    return Subject(
        name=path.stem,
        model=model,
        adapter=Adapter((height, width), channels),
        class_names=classes,
        display_names=classes and display_names(classes, names),
        trained_on={},
    )


def _of_named_run(
    name: str, folder: str, source: str | None, names: str | None
) -> Subject:
    """Open the run that was passed as the weights for a name."""
    subject = _of_run(folder, source, names)
    if subject.name != name:
        raise ValueError(
            f"{folder} is a run of {subject.name!r}, and its weights do not fit "
            f"{name!r}. Give {folder} in place of the name."
        )
    return subject


def _of_run(folder: str, weights: str | None, names: str | None) -> Subject:
    if weights is not None:
        raise ValueError(
            f"{folder} is a run and has its own weights; --weights and --source "
            "are for a name."
        )
    run = Run.open(folder)
    config = run.config
    shown = run.display_names
    return Subject(
        name=config["arguments"]["model"],
        model=run.model,
        adapter=run.adapter,
        class_names=run.class_names,
        display_names=shown if names is None else display_names(run.class_names, names),
        trained_on={
            "name_or_path": config["arguments"]["data"],
            "validation": config["recipe"]["validation"],
            "seed": config["seed"],
        },
        flip_test=config["recipe"]["images"].get("flip_test", False),
    )


def _of_name(
    name: str, weights: str | None, source: str | None, names: str | None
) -> Subject:
    registry.card(name)
    start = source_of(weights, source)
    if start is None:
        raise ValueError(
            f"{name!r} has no weights: give --weights, or in place of the name a "
            f"folder that `cnnzoo train {name}` made."
        )
    model = zoo.build(name, weights=start)
    shape: Any = channels_last_shape(model.input_shape[1:])
    height, width, channels = shape
    fit = preprocessing_of(name, start)
    classes = imagenet_classes(model.output_shape[-1])
    if names is not None:
        classes = classes or tuple(map(str, range(model.output_shape[-1])))
    return Subject(
        name=name,
        model=model,
        adapter=Adapter(
            (height, width), channels, fit.fit, fit.crop, fit.interpolation
        ),
        class_names=classes,
        display_names=classes and display_names(classes, names),
        trained_on={},
    )
