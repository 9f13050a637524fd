"""The shape of a model's input images."""

import keras

from keras_cnnzoo.axes import spatial_axes, standardize_data_format
from keras_cnnzoo.structure.walk import sublayers


def image_shape(
    model: keras.Model, input_shape: tuple[int | None, ...] | None = None
) -> tuple[int | None, ...]:
    """Return the shape of one input image of a model, without the batch.

    Args:
        model: Any built Keras model with one image input.
        input_shape: The shape, if the caller knows it; None takes the model's own,
            which for a subclassed model is that of the data it was built with. Sizes
            may be None.

    Raises:
        ValueError: The model takes several inputs, or its shape is unknown and
            `input_shape` is None.

    Example:
        >>> act = keras.layers.ReLU()
        >>> image_shape(keras.Sequential([keras.Input((None, None, 3)), act]))
        (None, None, 3)
    """
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) > 1:
        raise ValueError(
            f"{model.name!r} takes {len(inputs)} inputs, and there is one image. Look "
            "at the part of it that takes the image."
        )
    if input_shape is not None:
        return tuple(input_shape)
    if inputs:
        return tuple(inputs[0].shape[1:])
    built = (model.get_build_config() or {}).get("input_shape")
    if built is None:
        raise ValueError(
            f"{model.name!r} does not say what images it takes. Pass `input_shape="
            "(height, width, channels)`, or call it on an image first."
        )
    return tuple(built[1:])


def known_shape(
    model: keras.Model, input_shape: tuple[int | None, ...] | None = None
) -> tuple[int, ...]:
    """Return the shape of one input image of a model, without unknown sizes.

    Raises:
        ValueError: As for `image_shape`, or a size is None.
    """
    shape = image_shape(model, input_shape)
    sizes = [n for n in shape if n is not None]
    if len(sizes) < len(shape):
        raise ValueError(
            f"{model.name!r} takes images of any size, {shape}, and its cost depends "
            "on the size. Pass `input_shape=(height, width, channels)`."
        )
    return tuple(sizes)


def data_format(model: keras.layers.Layer) -> str:
    """Return a model's data format: that of its first layer with a `data_format`.

    If there is no such layer, it is the configured format.
    """
    inside: list[keras.layers.Layer] = sublayers(model)
    forms = [getattr(layer, "data_format", None) for layer in inside]
    known = [form for form in forms if form in ("channels_first", "channels_last")]
    return standardize_data_format(known[0] if known else None)


def spatial_dims(model: keras.Model, rank: int) -> tuple[int, ...]:
    """Return the spatial axes of a batch of the model's images.

    Args:
        model: Any Keras model.
        rank: Number of axes of the batch.
    """
    return spatial_axes(data_format(model), rank)
