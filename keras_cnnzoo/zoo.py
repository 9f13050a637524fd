"""Build a model by name, with its weights."""

import warnings
from typing import Any, Unpack

import keras

from keras_cnnzoo import inspect, registry
from keras_cnnzoo.layers.instrumented import Record
from keras_cnnzoo.registry.options import Options


def build(  # noqa: PLR0913
    name: str,
    *,
    input_shape: tuple[int | None, ...] | None = None,
    classes: int | None = None,
    weights: Any = None,
    preprocessing: bool = True,
    classifier_activation: str | None = "softmax",
    features: Any = None,
    pooling: str | None = None,
    instrument: bool | Record = False,
    **overrides: Unpack[Options],
) -> keras.Model:
    """Build a model by name.

    Args:
        name: A name of `keras_cnnzoo.list_models()`.
        input_shape: `(height, width, channels)`, or `(channels, height, width)` if
            Keras is configured for channels first. A height or width of None accepts
            any size. None takes the model's default shape.
        classes: Number of classes. None takes the number of the weights, or the
            family's default. 0 builds the model without its head, for features.
        weights: None for random initialisation; "default" for the best weights on the
            model's card; a tag from the card, such as "torchvision/IMAGENET1K_V1";
            "hf://owner/repo" on the Hugging Face hub; a path to a `.safetensors`,
            `.pth`, `.npz`, `.weights.h5`, `.keras` or Keras 2 `.h5` file; or a mapping
            of names to arrays. A tag also sets the right preprocessing and options. For
            a file of your own, pass `(tag, path)`, so that we know which preprocessing
            it was trained with. A path alone is an error if the card's weights differ
            in preprocessing and the file does not store its own. If `classes` or the
            input channels differ from those of the weights, all weights that fit are
            loaded, and a warning lists the others.
        preprocessing: Whether the model begins with a layer that preprocesses pixels of
            0..255 as in the network's training.
        classifier_activation: "softmax" for probabilities, None for logits.
        features: Feature maps that the model returns instead of its usual output. True
            returns those of all stages, in order. Otherwise pass a stage name or a
            level, or a list of them, where level `n` is the last feature map of stride
            `2**n`. The model returns the feature maps as a list in that order, or a
            single one as a tensor. `card(name).stages` lists the stages, and
            `keras_cnnzoo.origin(model).features` the names of the outputs.
        pooling: With `classes=0`: "avg", "max", "l2" or "gem" global pooling, or None
            for the last feature map.
        instrument: Whether the convolutions are `InstrumentedConv2D`. "stats" or "maps"
            sets what they record from the start; True is the same as "off".
        **overrides: Options of the architecture: the fields of the card's `config`.

    Warns:
        SmallImageWarning: The images are so small that a classifier leaves a single
            position of them before its pooling.

    Returns:
        A functional `keras.Model`. With `preprocessing` it takes images of 0..255, of
        any dtype.

    Raises:
        ValueError: No model has that name, its input cannot have that shape, or the
            weights do not belong to it.
        TypeError: An option is unknown; the message lists the valid ones.

    Example:
        >>> model = build("lenet5", classes=26)
        >>> model.output.shape
        (None, 26)
    """
    source = None
    options: dict[str, Any] = {**overrides}
    if weights is not None:
        # Imported only here, so that a model without weights is built faster.
        from keras_cnnzoo.weights.filling import fill
        from keras_cnnzoo.weights.resolve import resolve

        source = resolve(name, weights)
        options = {**source.options, **options}
        classes = source.classes if classes is None else classes
    model = registry.assemble(
        name,
        input_shape=input_shape,
        classes=classes,
        preprocessing=preprocessing,
        classifier_activation=classifier_activation,
        features=features,
        pooling=pooling,
        **options,
    )
    if classes != 0 and features is None:
        lost = registry.lost_picture(name, model)
        if lost is not None:
            warnings.warn(lost, registry.SmallImageWarning, stacklevel=2)
    if source is not None:
        fill(model, source, **options)
    if instrument:
        record: Record = "off" if instrument is True else instrument
        model = inspect.instrument(model, record=record)
    return model
