"""Load weights from a file or a mapping into a model, by name."""

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_cnnzoo.axes import channels_last_shape
from keras_cnnzoo.cards import NameMap, Preprocessing
from keras_cnnzoo.registry import family_of
from keras_cnnzoo.weights import folding, layout
from keras_cnnzoo.weights.channels import Normalization, adapted
from keras_cnnzoo.weights.files import open_arrays, unwrap
from keras_cnnzoo.weights.identity import zoo_name
from keras_cnnzoo.weights.keras_files import by_path
from keras_cnnzoo.weights.naming import best_map, is_recorded
from keras_cnnzoo.weights.report import LoadReport
from keras_cnnzoo.weights.stored import Arrays

#: Files whose arrays are numbered by layer.
NUMBERED = (".weights.h5", ".keras")


class Plan(NamedTuple):
    """The values to load, by the paths of variables, and a report on them."""

    values: dict[str, np.ndarray]
    report: LoadReport
    #: Whether the source holds its own normalisation constants.
    normalized: bool


def load(
    model: keras.Model,
    source: str | Path | Mapping[str, Any],
    *,
    strict: bool = True,
    preprocessing: Preprocessing | None = None,
    entry: str | None = None,
) -> LoadReport:
    """Load weights into a model of the zoo.

    Args:
        model: A model that `keras_cnnzoo.build` made.
        source: A path to a `.safetensors`, `.pth`, `.pt`, `.th`, `.npz`, `.h5`,
            `.weights.h5` or `.keras` file, or a mapping of names to arrays (a state
            dict of PyTorch). Names are those of any library that the model's family
            has a name map for, or the paths of our own variables.
        strict: Raise unless every variable is set and every array used. If False,
            variables without a fitting array keep their values, such as a head for
            another number of classes, and a first convolution for another number of
            input channels is adapted.
        preprocessing: How the source's training images were normalised. None takes
            the source's own constants, as stored in our files, or else leaves the
            model's normalisation as it is.
        entry: Key of the state dict to take, such as "state_dict_ema", for a
            checkpoint that holds several; None takes the first and warns of the others.

    Returns:
        A report on what was loaded and what was not. If values are NaN or infinite,
        there is a warning, and `complete` is False.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file cannot be read, nothing in it belongs to this model, or,
            with `strict`, something is missing, unused or has another shape. The
            model is then unchanged.

    Example:
        >>> from keras_cnnzoo import build
        >>> model = build("lenet5")
        >>> state = {v.path: v.numpy() for v in model.weights}
        >>> load(model, state).complete
        True
    """
    found = plan(model, source, strict=strict, preprocessing=preprocessing, entry=entry)
    if strict and not found.report.fits:
        raise ValueError(
            f"{model.name!r} does not match: {found.report}. Pass strict=False to load "
            "what fits."
        )
    commit(model, found)
    return found.report


def plan(
    model: keras.Model,
    source: str | Path | Mapping[str, Any],
    *,
    strict: bool,
    preprocessing: Preprocessing | None = None,
    entry: str | None = None,
) -> Plan:
    """Compute what `load` would assign with these arguments, and change nothing."""
    if isinstance(source, Mapping):
        return _match(model, unwrap(source, entry), "a mapping", strict, preprocessing)
    path = Path(source)
    with open_arrays(path, entry) as arrays:
        if path.name.endswith(NUMBERED):
            arrays = by_path(arrays, model)
        return _match(model, arrays, str(path), strict, preprocessing)


def _match(
    model: keras.Model,
    arrays: Arrays,
    name: str,
    strict: bool,
    preprocessing: Preprocessing | None,
) -> Plan:
    variables = {v.path: v for v in model.weights}
    name_map, found = best_map(arrays, _name_maps(model), list(variables))
    if not found:
        raise ValueError(
            f"Nothing in {name} belongs to {model.name!r}: it names "
            f"{', '.join(list(arrays)[:3])}, ... and the model "
            f"{', '.join(list(variables)[:3])}, ..."
        )
    kind = name_map.layout if name_map else "keras"
    flattened = flattened_maps(model)
    values: dict[str, np.ndarray] = {}
    unfit: list[str] = []
    for ours, place in found.items():
        stored, shape = arrays[place.name], tuple(variables[ours].shape)
        value = None
        # An array is read only if it has as many elements as its variable.
        if stored.size == math.prod(shape):
            near = flattened.get(ours)
            value = layout.fit(stored.read(), shape, layout=kind, flattened=near)
        if value is None:
            unfit.append(ours)
        else:
            values[ours] = value

    there = {ours: arrays[place.name] for ours, place in found.items()}
    normalization = Normalization.of(model)
    constants = normalization.paths
    normalized = constants <= there.keys()
    changed: dict[str, np.ndarray] = {}
    if not strict:
        changed = adapted(model, there, unfit, kind, preprocessing, flattened)
        values |= changed
    if preprocessing is not None and not changed.keys() & constants:
        values |= normalization.constants(preprocessing)
    used = {place.name for place in found.values()}
    if name_map is not None:
        folds = folding.fold(model, name_map, arrays, values)
        values |= folds.values
        used |= folds.used

    mismatched = tuple(path for path in unfit if path not in values)
    # Other libraries' files cannot hold our normalisation constants; our own files do.
    known = {*values, *mismatched} | (constants if name_map else set())
    report = LoadReport(
        source=name,
        loaded=tuple(values),
        adapted=tuple(path for path in changed if path not in constants),
        missing=tuple(p for p in variables if p not in known and not is_recorded(p)),
        mismatched=mismatched,
        unused=tuple(n for n in arrays if n not in used and not is_recorded(n)),
        not_finite=tuple(p for p, x in values.items() if not np.isfinite(x).all()),
    )
    return Plan(values, report, normalized)


def commit(model: keras.Model, found: Plan) -> None:
    """Assign all values; if an assignment fails, restore the former ones."""
    variables = {v.path: v for v in model.weights}
    before: dict[str, np.ndarray] = {}
    try:
        for path, value in found.values.items():
            variable = variables[path]
            before[path] = np.array(keras.ops.convert_to_numpy(variable))
            variable.assign(value)
    except BaseException:
        for path, value in before.items():
            variables[path].assign(value)
        raise
    if found.report.not_finite:
        warnings.warn(
            f"{model.name!r} has weights that are no numbers: {found.report}.",
            stacklevel=3,
        )


def _name_maps(model: keras.Model) -> Mapping[str, NameMap]:
    name = zoo_name(model)
    return {} if name is None else family_of(name).name_maps


def flattened_maps(model: keras.Model) -> dict[str, tuple[int, ...]]:
    """Return the shape of each flattened feature map, by the dense kernel's path."""
    found: dict[str, tuple[int, ...]] = {}
    rows: dict[int, tuple[int, ...]] = {}
    for layer in model.layers:
        given: Any = layer.input
        if isinstance(layer, keras.layers.Flatten) and len(given.shape) == 4:
            shape = tuple(given.shape[1:])
            rows[id(layer.output)] = channels_last_shape(shape, layer.data_format)
        elif id(given) in rows:
            if isinstance(layer, keras.layers.Dense):
                found[layer.kernel.path] = rows[id(given)]
            else:  # a dropout in between
                rows[id(layer.output)] = rows[id(given)]
    return found


def values_of(model: keras.Model) -> dict[str, np.ndarray]:
    """Return a model's weights by their paths."""
    return {v.path: keras.ops.convert_to_numpy(v) for v in model.weights}
