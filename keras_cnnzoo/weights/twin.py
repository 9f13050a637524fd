"""Read the weights of a network that another library builds (Keras Applications).

The library builds its own network with its weights. Our layers have the same names, by
which the arrays are found. The preprocessing of the library, and of its network's first
layers, becomes our normalisation, so that our model takes images of 0..255.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras
import numpy as np

from keras_cnnzoo.axes import image_shape
from keras_cnnzoo.cards import Preprocessing, Twin
from keras_cnnzoo.registry import card, family_of
from keras_cnnzoo.surgery import graph, wrapped
from keras_cnnzoo.weights import content
from keras_cnnzoo.weights.hdf5 import check_declared
from keras_cnnzoo.weights.offline import library_downloads
from keras_cnnzoo.weights.resolve import Source


class Theirs(NamedTuple):
    """The weights and preprocessing of the other library's network.

    Attributes:
        arrays: Its weights, by the paths of our variables.
        preprocessing: The library's preprocessing and its first layers', combined.
        head: Names of the layers that keep initial weights if the classes differ.
    """

    arrays: dict[str, np.ndarray]
    preprocessing: Preprocessing
    head: set[str]


def read(model: keras.Model, source: Source, options: Mapping[str, Any]) -> Theirs:
    """Build the other library's network with the weights of a source, and read it.

    Args:
        model: Our model of the same network.
        source: The library's own weights, or a file of its network with or without
            the top.
        options: Options of the architecture that our model was built with.

    Raises:
        DownloadError: The library cannot download the weights.
        ValueError: The file belongs to another network.
    """
    family = family_of(source.model)
    config = family.variants[source.model].config
    config = dataclasses.replace(config, **options)
    assert family.twin is not None
    with _full_precision():
        if source.of_twin:
            with library_downloads(f"{source.model}'s weights {source.name!r}"):
                network = family.twin.build(
                    config,
                    weights=source.name,
                    include_top=_classes(model) is not None,
                    input_shape=card(source.model).input_shape,
                )
        else:
            network = _from_file(model, family.twin, config, source)
        calls = graph.calls(network)
        seen = _convention(source.model, family.twin, calls)
    names = wrapped.plain_names(calls)
    top = wrapped.head(calls) if len(calls[-1].output.shape) == 2 else []
    behind = calls[len(wrapped.preprocessing(calls)) :]
    ours = {layer.name: layer.weights for layer in model.layers}
    arrays: dict[str, np.ndarray] = {}
    for call in behind:
        theirs = getattr(call.operation, "weights", ())
        # By order, because sublayers have other paths in the library's network.
        places = [v.path for v in ours.get(names[call.operation.name], ())]
        for path, variable in zip(places, theirs, strict=False):
            arrays[path] = np.array(keras.ops.convert_to_numpy(variable))
    return Theirs(arrays, seen, {names[call.operation.name] for call in top})


@contextlib.contextmanager
def _full_precision() -> Iterator[None]:
    """Keep a mixed-precision policy from rounding the constants that are read."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def _classes(model: keras.Model) -> int | None:
    """Return a model's number of classes; None if it outputs feature maps."""
    answer = model.output
    if isinstance(answer, keras.KerasTensor) and len(answer.shape) == 2:
        last = model.operations[-1]
        if not isinstance(last, wrapped.GLOBAL_POOLING) and last.name != "features":
            return int(answer.shape[-1])
    return None


def _from_file(
    model: keras.Model, twin: Twin, config: Any, source: Source
) -> keras.Model:
    """Build the network with or without its top, as the file was saved, and load it."""
    path = source.file()
    _check(path)
    own = _classes(model)
    tops: list[dict[str, Any]] = [
        {"include_top": True, "classes": n} for n in dict.fromkeys((own, 1000))
    ]
    bare: dict[str, Any] = {"include_top": False}
    tries = [*tops, bare] if own else [bare, tops[-1]]
    shape = _size(model, source.model)
    for arguments in tries:
        network = twin.build(config, input_shape=shape, **arguments)
        try:
            network.load_weights(path)
        except (ValueError, KeyError) as error:
            reason = error
            continue
        return network
    raise ValueError(
        f"{str(path)!r} does not hold weights of {twin.reference(config)}, with its "
        f"top or without, but of another network. {reason}"
    )


def _check(path: Path) -> None:
    """Refuse a file that declares more data than it holds, before Keras reads it."""
    try:
        content.check(path)
        with h5py.File(path, "r") as file:
            arrays: dict[str, h5py.Dataset] = {}

            def note(name: str, item: Any) -> None:
                if isinstance(item, h5py.Dataset):
                    arrays[name] = item

            file.visititems(note)
            check_declared(arrays, path.stat().st_size)
    except (ValueError, OSError) as error:
        raise ValueError(f"{str(path)!r} cannot be read as .h5: {error}.") from error


def _size(model: keras.Model, name: str) -> tuple[int | None, ...]:
    """Return the shape of the model's images with three channels.

    If the model takes images of any size, the card's shape is returned. The size
    matters to tops that flatten, because they fit only one size of image.
    """
    depth = image_shape((0, 1, 2)).index(2)
    given = tuple(
        3 if axis == depth else n for axis, n in enumerate(model.input_shape[1:])
    )
    return card(name).input_shape if None in given else given


def _convention(name: str, twin: Twin, calls: list[graph.Call]) -> Preprocessing:
    """Combine the library's preprocessing with that of its network's first layers."""
    ours = card(name).preprocessing
    leading = [call.operation for call in wrapped.preprocessing(calls)]
    if not leading:
        return ours

    def see(pixels: np.ndarray) -> np.ndarray:
        values: Any = pixels
        for layer in leading:
            values = layer(values)
        return np.asarray(keras.ops.convert_to_numpy(values))

    found = twin.convention(see)
    # EfficientNet's published file stores the standard deviation where Keras expects
    # the variance; `weights="imagenet"` adds a layer that corrects this, but a network
    # that loads the same file from a path lacks that layer.
    return ours if np.allclose(found.mean, ours.mean, atol=0.01) else found
