"""Convert the users' images: arrays, dictionaries, datasets, or batches of these."""

import operator
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np


def batch_of_images(model: keras.Model, images: Any) -> np.ndarray:
    """Return a batch of images as float32, for a model with one image input.

    Args:
        model: The model.
        images: `(batch, height, width, channels)` or channels first, as an array, a
            tensor or a list of images; or a dictionary with this one input.

    Raises:
        ValueError: The model takes several inputs, or `images` is not a batch of
            images. The message says what to do.
    """
    if len(inputs := getattr(model, "inputs", None) or []) > 1:
        names = ", ".join(repr(tensor.name) for tensor in inputs)
        raise ValueError(
            f"{model.name!r} takes {len(inputs)} inputs ({names}), and one image is "
            "looked at here. Hold the others fixed in a model of one input: "
            "keras.Model(image, model([image, ...]))."
        )
    if isinstance(images, Mapping) and len(images) == 1:
        (images,) = images.values()
    if not hasattr(images, "shape") and not isinstance(images, list | tuple):
        raise ValueError(
            "`images` is a batch of images, as an array. Received "
            f"{_kind(images)}: take a batch out of it, such as next(iter(images))[0]."
        )
    try:
        whole = keras.ops.is_tensor(images)
        array = keras.ops.convert_to_numpy(images) if whole else np.asarray(images)
        batch = array.astype("float32")
    except (TypeError, ValueError) as error:
        raise ValueError(
            "`images` is a batch of images of one size. Received a sequence that makes "
            f"no array: {error}"
        ) from None
    if batch.ndim != 4 or not len(batch):
        one = " Of one image, pass `image[None]`." if batch.ndim == 3 else ""
        raise ValueError(
            "`images` is a batch of images, (batch, height, width, channels) or with "
            f"the channels first. Received an array of shape {batch.shape}.{one}"
        )
    return batch


def as_model_takes(model: keras.Model, images: Any) -> Any:
    """Wrap a tensor of images in the structure of the model's single input."""
    structure = getattr(model, "input", None)
    if isinstance(structure, dict | list | tuple) and len(model.inputs) == 1:
        return keras.tree.map_structure(lambda _: images, structure)
    return images


def batches_of(model: keras.Model, images: Any, size: int) -> Iterator[Any]:
    """Yield batches of a model's inputs, from any kind of data that Keras takes.

    Args:
        model: The model.
        images: An array of images, or a dictionary, list or tuple of arrays for the
            inputs of the model; or an iterable of batches of these, alone or as the
            first item of a tuple `(x, y, ...)`.
        size: The batch size, if `images` consists of arrays.

    Raises:
        ValueError: `images` is a single image, or the arrays of the inputs differ in
            length.
    """
    if size < 1:
        raise ValueError(f"`batch_size` is at least 1. Received: {size}")
    if _is_whole(model, images):
        check_batch(model, images)
        arrays = keras.tree.flatten(images)
        lengths = {len(array) for array in arrays}
        if len(lengths) > 1:
            raise ValueError(
                "The inputs of a model have one length, that of the set of images. "
                f"Received {[len(array) for array in arrays]}."
            )
        for start in range(0, max(lengths, default=0), size):
            cut = operator.itemgetter(slice(start, start + size))
            yield keras.tree.map_structure(cut, images)
        return
    if isinstance(images, keras.utils.PyDataset):
        images = map(images.__getitem__, range(images.num_batches))
    for batch in images:
        inputs = _inputs_of(model, batch)
        check_batch(model, inputs)
        # A dataset's tensors may belong to another backend.
        yield keras.tree.map_structure(_numpy, inputs)


def _is_whole(model: keras.Model, images: Any) -> bool:
    """Tell whether this is arrays of all images, not an iterable of batches."""
    if hasattr(images, "shape") or isinstance(images, Mapping):
        return True
    return isinstance(images, list | tuple) and _is_inputs(model, images)


def _is_inputs(model: keras.Model, arrays: Any) -> bool:
    """Tell whether a sequence has one array for each of a model's several inputs."""
    count = len(getattr(model, "inputs", None) or [])
    return (
        count > 1
        and len(arrays) == count
        and all(hasattr(array, "shape") for array in arrays)
        and all(
            len(array.shape) == len(given.shape)
            for array, given in zip(arrays, model.inputs, strict=True)
        )
    )


def _inputs_of(model: keras.Model, batch: Any) -> Any:
    """Return the inputs of a batch, without labels and sample weights."""
    if isinstance(batch, list | tuple):
        if isinstance(batch, list) and _is_inputs(model, batch):
            return batch
        return batch[0]
    return batch


def check_batch(model: keras.Model, images: Any) -> None:
    """Raise an error if a single image was passed instead of a batch."""
    inputs = getattr(model, "inputs", None) or []
    arrays = keras.tree.flatten(images)
    if len(inputs) != 1 or len(arrays) != 1 or not hasattr(arrays[0], "shape"):
        return
    rank, shape = len(inputs[0].shape), tuple(arrays[0].shape)
    if len(shape) == rank - 1:
        raise ValueError(
            f"`images` is a batch: {model.name!r} takes arrays of {rank} dimensions, "
            f"the first of which counts the images. Received an array of shape "
            f"{shape}. Of one image, pass `image[None]`."
        )


def _numpy(x: Any) -> Any:
    return x if keras.ops.is_tensor(x) else np.asarray(x)


def _kind(images: Any) -> str:
    if isinstance(images, Mapping):
        return f"a dictionary of {len(images)} inputs, {', '.join(map(repr, images))}"
    return f"a {type(images).__name__}"
