"""Compare the wrapped backbones with Keras Applications itself.

Keras is at hand wherever this package is, so nothing is kept: the reference is built,
its weights go through a file as Keras publishes them, and both see the same pixels.
"""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

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

#: A side the strides divide, and one they do not.
SIZES = (128, 97)


def compare_backbone(name: str) -> Comparison:
    """Build a backbone and Keras's own network with the same weights, and compare.

    Args:
        name: A model named `keras_...`.

    Raises:
        ValueError: The weights do not fit the model.
    """
    config = family_of(name).variants[name].config
    loaded: list[np.ndarray] = []

    def answer(name: str, size: int) -> tuple[Answers, Answers]:
        return _answers(name, size, loaded)

    return compare_sizes(
        name, f"keras/{config.function}", keras.__version__, SIZES, answer
    )


def _answers(name: str, size: int, loaded: list[np.ndarray]) -> tuple[Answers, Answers]:
    """Return our logits and Keras's, of images of one size.

    `loaded` keeps what our model made of the file, for the next size.
    """
    config = family_of(name).variants[name].config
    keras.backend.clear_session()
    shape = (size, size, 3)
    with without_drawing():
        network = getattr(keras.applications, config.function)(
            weights=None, input_shape=shape, classifier_activation=None
        )
    drawn = reference_weights({v.path: tuple(v.shape) for v in network.weights})
    for variable in network.weights:
        if variable.path in drawn and "normalization/" not in variable.path:
            variable.assign(drawn[variable.path])
    norms = [x for x in network.layers if isinstance(x, keras.layers.Normalization)]
    norms = [norm for norm in norms if norm.weights]
    mean, std = (np.array(v) / 255 for v in _colours(name))
    options: dict[str, Any] = {"input_shape": shape, "classifier_activation": None}
    if loaded:
        with without_drawing():
            model = build(name, **options)
        model.set_weights(loaded)
    else:
        for norm in norms:  # Keras's files hold the deviation as if it were the square.
            _state(norm, mean, std)
        with tempfile.TemporaryDirectory() as folder, without_drawing():
            path = Path(folder, "published.weights.h5")
            network.save_weights(path)
            model = build(name, weights=path, **options)
        loaded += model.get_weights()
    for norm in norms:
        _state(norm, mean, std**2)
    images = reference_images(size)
    module = getattr(keras.applications, config.module)
    fed = module.preprocess_input(images.astype("float32"))
    return (
        {LOGITS: answers_of(model, images)},
        {LOGITS: answers_of(network, fed)},
    )


def _colours(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    seen = card(name).preprocessing
    return seen.mean, seen.std


def _state(
    norm: keras.layers.Normalization, mean: np.ndarray, variance: np.ndarray
) -> None:
    norm.set_weights([mean, variance, np.array(0)])
    norm.finalize_state()
