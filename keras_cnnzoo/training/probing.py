"""Train the head of a model alone, on features that are computed once."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.axes import is_channels_last
from keras_cnnzoo.data import ImageSet
from keras_cnnzoo.data.examples import ArrayExamples
from keras_cnnzoo.internals.mending import mended
from keras_cnnzoo.training.features import FeatureSet, compute_features
from keras_cnnzoo.training.recompiling import compile_settings
from keras_cnnzoo.training.relay import Relay
from keras_cnnzoo.training.splitting import split_head

#: On TensorFlow a step of a head takes less time than to call it.
STEPS_AT_ONCE = 16
#: Bytes of features to keep in memory; if there are more, they are kept in a file.
MEMORY = 2e9


def linear_probe(  # noqa: PLR0913 - each is a choice that users make by name
    model: keras.Model,
    train: Any,
    validation: Any = None,
    *,
    epochs: int = 20,
    batch_size: int | None = None,
    augmented_passes: int = 0,
    memory: float = MEMORY,
    shuffle: bool = True,
    seed: int = 0,
    class_weight: Mapping[int, float] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: Any = "auto",
) -> keras.callbacks.History:
    """Train the head of a compiled model, and nothing before it.

    The features that the head takes are computed once, in inference mode; then `fit`
    trains the head on them, with the optimizer, loss and metrics of `compile`. So an
    epoch takes a small part of the time of `freeze(model)` and `fit`. The result is the
    same, except that dropout before the features is not active.

    The head is the last layer with weights, together with the layers after it and
    dropout directly before it.

    Args:
        model: Any built, compiled Functional or Sequential model. Its head is trained
            in place; every other weight stays as it is, frozen or not.
        train: The training data: a data set that `fit` takes, of batches `(images,
            labels)` or `(images, labels, sample weights)` that ends after one epoch, or
            a tuple of arrays.
        validation: The validation data, in the same form, or None.
        epochs: Passes over the features.
        batch_size: Images in a batch; None takes that of the data, or 32 for arrays.
        augmented_passes: Number of passes over the data for which features are
            computed, each with other augmentation; the epochs take them in turn. With
            0, there is one pass without augmentation, if `train` has a method
            `ordered()`, as the sets of `keras_cnnzoo.data` have, and else as it is.
        memory: Bytes of features to keep in memory; if there are more, they are kept
            in a temporary file.
        shuffle: Whether each epoch has a new order.
        seed: Determines the order.
        class_weight: The weight of each class in the loss, as for `fit`.
        callbacks: Callbacks as for `fit`. They see the whole model.
        verbose: As for `fit`.

    Returns:
        The history, as from `fit`; its `model` is the model.

    Raises:
        ValueError: The model is not compiled, its head is frozen or cannot be separated
            from the rest, or the data are empty.

    Example:
        >>> x, y = keras.ops.ones((8, 4)), keras.ops.zeros(8)
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3),
        ...                           keras.layers.Dense(2)])
        >>> model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True))
        >>> history = linear_probe(model, (x, y), epochs=2, verbose=0)
        >>> len(history.history["loss"])
        2
    """
    settings = compile_settings(model)
    if settings is None:
        raise ValueError(
            f"{model.name!r} is not compiled. Call `compile` first; the head is "
            "trained with its optimizer, loss and metrics."
        )
    features, head = split_head(model)
    if not head.trainable_weights:
        raise ValueError(
            f"The head of {model.name!r} is frozen. Call `unfreeze` first."
        )
    passes = max(augmented_passes, 1)
    store = compute_features(
        features,
        train if augmented_passes else _plain(train),
        memory=memory,
        batch_size=batch_size,
        passes=passes,
    )
    learnt = FeatureSet(
        store,
        batch_size or store.batch_size,
        epochs=epochs,
        passes=passes,
        seed=seed if shuffle else None,
    )
    checked = None
    if validation is not None:
        store = compute_features(
            features, _plain(validation), memory=memory, batch_size=batch_size
        )
        checked = FeatureSet(store, batch_size or store.batch_size)
    at_once = 1
    if keras.backend.backend() == "tensorflow":
        at_once = math.gcd(learnt.steps, STEPS_AT_ONCE)
    head.compile(**settings | {"steps_per_execution": at_once})
    relay = Relay(callbacks, model, epochs)
    own = model.optimizer
    # Callbacks read and change the learning rate of the model that they see.
    model.optimizer = head.optimizer
    try:
        with mended(head):
            head.fit(
                learnt,
                epochs=epochs,
                steps_per_epoch=learnt.steps,
                validation_data=checked,
                shuffle=False,
                class_weight=class_weight,
                callbacks=[relay],
                verbose=verbose,
            )
    finally:
        model.optimizer = own
    return relay.end()


def _plain(data: Any) -> Any:
    """Return a set of `keras_cnnzoo.data` without augmentation; others as they are."""
    return data.ordered() if hasattr(data, "ordered") else data


def feature_set(
    features: keras.Model, images: ImageSet, *, memory: float = MEMORY
) -> ImageSet:
    """Return a set of the features of images, in place of the images.

    They are computed at once, in inference mode and without augmentation. The set has
    the batch size, seed and shuffling of the images' one.

    Args:
        features: What computes them; see `split_head`.
        images: The images.
        memory: As for `linear_probe`.

    Raises:
        ValueError: The model has several outputs.
    """
    if len(features.outputs) > 1:
        raise ValueError(
            f"The head of {features.name!r} takes {len(features.outputs)} feature maps "
            "at once, and `train` can store one. Call `linear_probe`, or freeze."
        )
    store = compute_features(features, images.ordered(), memory=memory)
    values, labels = store.take(slice(None))
    if values.ndim > 2 and not is_channels_last():
        values = np.moveaxis(values, 1, -1)  # a set moves them back
    batches = images.batches
    return ImageSet(
        ArrayExamples(values, labels),
        batch_size=batches.batch_size,
        shuffle=batches.shuffle,
        seed=batches.seed,
    )
