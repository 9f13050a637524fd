"""A model by name, with its weights."""

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
        input_shape: `(height, width, channels)`, or `(channels, height, width)` where
            Keras is configured for channels first. None for a size leaves it open,
            None for the whole takes the model's own.
        classes: Number of classes. None takes that of published weights, or the
            family's own; 0 gives the features.
        weights: None for fresh ones; "default" for the best on the model's card, or
            a tag of it, such as "torchvision/IMAGENET1K_V1"; "hf://owner/repo" on the
            Hugging Face hub; a path to a `.safetensors`, `.pth`, `.npz`,
            `.weights.h5`, `.keras` or Keras 2 `.h5` file; or a mapping of names to
            arrays. A tag also sets the right preprocessing and options. For a file of
            your own, pass `(tag, path)`, so that we know which preprocessing it was
            trained with; where the card's sources differ in it, and the file does not
            hold its own, a path alone is an error. With other `classes` or input
            channels than the source's, all that fits is kept, and one warning says
            what is not.
        preprocessing: Whether the model begins with the layer that takes images of
            0..255 to what the network was trained on.
        classifier_activation: "softmax" for probabilities, None for logits.
        features: Which feature maps the model gives in place of its output: True for
            those of every stage, in the network's order; or names of stages, or levels,
            where level `n` is the last map of stride `2**n`, one or a list of them.
            The model gives a list of maps in that order, or the map itself where it is
            one. `keras_cnnzoo.origin(model).features` names them, and
            `card(name).stages` tells what there is.
        pooling: With `classes=0`: "avg", "max", "l2" or "gem" for one number per
            channel, None for the last map.
        instrument: Whether the convolutions are `InstrumentedConv2D`; "stats" or
            "maps" has them record from the start, True is "off".
        **overrides: Options of the architecture, the fields of the card's `config`.

    Returns:
        A functional `keras.Model`. It takes images of 0..255, of any dtype.

    Raises:
        ValueError: No model has that name, its input cannot have that shape, or the
            weights are not its own.
        TypeError: An option is unknown; the message names the valid ones.

    Example:
        >>> model = build("lenet5", classes=26)
        >>> model.output.shape
        (None, 26)
    """
    source = None
    options: dict[str, Any] = {**overrides}
    if weights is not None:
        # Reading weights needs more than building does; a fresh model starts at once.
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
    if source is not None:
        fill(model, source, **options)
    if instrument:
        record: Record = "off" if instrument is True else instrument
        model = inspect.instrument(model, record=record)
    return model
