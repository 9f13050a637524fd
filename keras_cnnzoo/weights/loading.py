"""Get weights from a file or a mapping into a model, by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_cnnzoo.cards import NameMap, Preprocessing
from keras_cnnzoo.layers import ColorNormalization
from keras_cnnzoo.registry import family_of, list_models
from keras_cnnzoo.weights import folding, layout
from keras_cnnzoo.weights.files import Arrays, read, tidy
from keras_cnnzoo.weights.naming import IGNORED, best_map
from keras_cnnzoo.weights.report import LoadReport


def load(
    model: keras.Model,
    source: str | Path | Mapping[str, Any],
    *,
    strict: bool = True,
    preprocessing: Preprocessing | None = None,
) -> LoadReport:
    """Load weights into a model of the zoo.

    Args:
        model: A model that `keras_cnnzoo.build` made.
        source: A path to a `.safetensors`, `.pth`, `.pt`, `.th`, `.npz`,
            `.weights.h5` or `.keras` file, or a mapping of names to arrays (a state
            dict of PyTorch). Names may be those of any reference that the model's
            family knows, or our own variables' paths.
        strict: Raise unless every variable is set and every array used. Without it,
            what does not fit keeps its values: a head of other classes stays fresh,
            a first convolution of other input channels is adapted.
        preprocessing: How the source's own images were normalised. None leaves the
            model's normalisation as it is.

    Returns:
        What was loaded and what was not.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file cannot be read, nothing in it belongs to this model, or,
            under `strict`, something is missing, left over or of another shape. The
            model is then unchanged.
    """
    name, arrays = _open(source)
    if arrays is None:
        return _load_weights_h5(model, Path(name))
    variables = {v.path: v for v in model.weights}
    name_map, found = best_map(arrays, _name_maps(model), list(variables))
    if not found:
        raise ValueError(
            f"Nothing in {name} belongs to {model.name!r}: it names "
            f"{', '.join(list(arrays)[:3])}, ... and the model "
            f"{', '.join(list(variables)[:3])}, ..."
        )
    values: Arrays = {}
    adapted, mismatched = [], []
    kind = name_map.layout if name_map else "keras"
    flattened, stem = flattened_maps(model), _stem(model)
    for ours, place in found.items():
        array, shape = arrays[place.name], tuple(variables[ours].shape)
        value = layout.fit(array, shape, layout=kind, flattened=flattened.get(ours))
        if value is None and ours == stem and not strict:
            value = layout.fit_stem(array, shape, layout=kind)
            adapted += [] if value is None else [ours]
        if value is None:
            mismatched.append(ours)
        else:
            values[ours] = value
    used = {place.name for place in found.values()}
    if name_map is not None:
        folds = folding.fold(model, name_map, arrays, values)
        values |= folds.values
        used |= folds.used

    # A published file knows nothing of our normalisation; ours do.
    known = {*values, *mismatched} | (_constants(model) if name_map else set())
    report = LoadReport(
        source=name,
        loaded=tuple(values),
        adapted=tuple(adapted),
        missing=tuple(path for path in variables if path not in known),
        mismatched=tuple(mismatched),
        unused=tuple(n for n in arrays if n not in used and not n.endswith(IGNORED)),
    )
    if strict and not report.complete:
        raise ValueError(
            f"{model.name!r} does not match: {report}. Pass strict=False to load what "
            "fits."
        )
    for ours, value in values.items():
        variables[ours].assign(value)
    if preprocessing is not None:
        set_preprocessing(model, preprocessing)
    return report


def _open(source: str | Path | Mapping[str, Any]) -> tuple[str, Arrays | None]:
    """Return what to call the source, and its arrays; None where Keras reads them."""
    if isinstance(source, Mapping):
        return "a mapping", tidy(source)
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f"There is no weights file {str(path)!r}.")
    if path.name.endswith(".weights.h5"):
        return str(path), None
    if path.suffix == ".keras":
        return str(path), values_of(keras.saving.load_model(path, compile=False))
    return str(path), read(path)


def set_preprocessing(model: keras.Model, preprocessing: Preprocessing) -> None:
    """Write the constants of a source into the model's normalisation, if it has one."""
    for layer in model.layers:
        if isinstance(layer, ColorNormalization):
            matrix, offset = preprocessing.affine(layer.offset.shape[0])
            layer.set_weights([matrix, offset])


def _load_weights_h5(model: keras.Model, path: Path) -> LoadReport:
    """Load a weights file that Keras wrote, of a model of the same architecture."""
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(
            f"{str(path)!r} does not hold weights of {model.name!r}: {error}"
        ) from error
    return LoadReport(source=str(path), loaded=tuple(v.path for v in model.weights))


def _constants(model: keras.Model) -> set[str]:
    """Return the paths of our normalisation's constants."""
    kept = [layer for layer in model.layers if isinstance(layer, ColorNormalization)]
    return {weight.path for layer in kept for weight in layer.weights}


def _name_maps(model: keras.Model) -> Mapping[str, NameMap]:
    return family_of(model.name).name_maps if list_models(model.name) else {}


def flattened_maps(model: keras.Model) -> dict[str, tuple[int, ...]]:
    """Return the map's shape for the kernel of each dense layer behind a flattening."""
    found: dict[str, tuple[int, ...]] = {}
    rows: dict[int, tuple[int, ...]] = {}
    for layer in model.layers:
        given: Any = layer.input
        if isinstance(layer, keras.layers.Flatten) and len(given.shape) == 4:
            shape = tuple(given.shape[1:])
            first = layer.data_format == "channels_first"
            rows[id(layer.output)] = (*shape[1:], shape[0]) if first else shape
        elif id(given) in rows:
            if isinstance(layer, keras.layers.Dense):
                found[layer.kernel.path] = rows[id(given)]
            else:  # a dropout between
                rows[id(layer.output)] = rows[id(given)]
    return found


def _stem(model: keras.Model) -> str | None:
    """Return the path of the first convolution's kernel."""
    return next((v.path for v in model.trainable_weights if len(v.shape) == 4), None)


def values_of(model: keras.Model) -> Arrays:
    """Return a model's weights by their paths."""
    return {v.path: keras.ops.convert_to_numpy(v) for v in model.weights}
