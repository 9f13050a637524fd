"""Compare models with the same networks of another installed library.

Since the library is installed, its outputs need not be stored: its network is built,
its weights are saved to a file as the library publishes them and loaded into our model,
and both get the same images.
"""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.cards import Twin
from keras_cnnzoo.registry import card, family_of
from keras_cnnzoo.verify.blank import without_drawing
from keras_cnnzoo.verify.comparison import (
    LOGITS,
    Answers,
    Comparison,
    answers_of,
    compare_sizes,
)
from keras_cnnzoo.verify.drawing import reference_images, reference_weights
from keras_cnnzoo.zoo import build

#: Image sizes: one that the networks' strides divide, and one that they do not.
SIZES = (128, 97)


def compare_twin(name: str) -> Comparison:
    """Build a model and the library's own network with the same weights, and compare.

    Args:
        name: A model of a family with a twin.

    Raises:
        ValueError: The weights do not fit the model.
    """
    twin, config = _twin(name)
    loaded: list[np.ndarray] = []

    def answer(name: str, size: int) -> tuple[Answers, Answers]:
        return _answers(name, size, loaded)

    return compare_sizes(name, twin.reference(config), twin.version, SIZES, answer)


def _twin(name: str) -> tuple[Twin, Any]:
    family = family_of(name)
    if family.twin is None:
        raise ValueError(f"No library has networks that {name!r} is taken from.")
    return family.twin, family.variants[name].config


def _answers(name: str, size: int, loaded: list[np.ndarray]) -> tuple[Answers, Answers]:
    """Return our logits and the library's, for images of one size.

    `loaded` keeps the weights that our model loaded from the file, for the next size.
    """
    twin, config = _twin(name)
    keras.backend.clear_session()
    shape = (size, size, 3)
    with without_drawing():
        network = twin.build(config, input_shape=shape, classifier_activation=None)
    drawn = reference_weights({v.path: tuple(v.shape) for v in network.weights})
    for variable in network.weights:
        if variable.path in drawn and "normalization/" not in variable.path:
            variable.assign(drawn[variable.path])
    norms = [x for x in network.layers if isinstance(x, keras.layers.Normalization)]
    norms = [norm for norm in norms if norm.weights]
    mean, std = (np.array(v) / 255 for v in _colours(name))
    options: dict[str, Any] = {"input_shape": shape, "classifier_activation": None}
    model = _with_weights(loaded, name, options)
    if model is None:
        # Keras's published files hold standard deviations in place of variances.
        for norm in norms:
            _state(norm, mean, std)
        with tempfile.TemporaryDirectory() as folder, without_drawing():
            path = Path(folder, "published.weights.h5")
            network.save_weights(path)
            model = build(name, weights=path, **options)
        loaded[:] = model.get_weights()
    for norm in norms:
        _state(norm, mean, std**2)
    images = reference_images(size)
    fed = twin.feed(config, images.astype("float32"))
    return (
        {LOGITS: answers_of(model, images)},
        {LOGITS: answers_of(network, fed)},
    )


def _with_weights(
    loaded: list[np.ndarray], name: str, options: dict[str, Any]
) -> keras.Model | None:
    """Build our model with weights that were loaded before; None if they do not fit.

    The first dense layer of VGG has another size for every size of images.
    """
    if not loaded:
        return None
    with without_drawing():
        model = build(name, **options)
    if [w.shape for w in loaded] != [tuple(w.shape) for w in model.weights]:
        return None
    model.set_weights(loaded)
    return model


def _colours(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    seen = card(name).preprocessing
    return seen.mean, seen.std


def _state(
    norm: keras.layers.Normalization, mean: np.ndarray, variance: np.ndarray
) -> None:
    norm.set_weights([mean, variance, np.array(0)])
    norm.finalize_state()
