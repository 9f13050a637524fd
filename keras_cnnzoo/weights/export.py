"""Export a model's weights, under our names or those of another library."""

import json
import os
from typing import TYPE_CHECKING

import keras
import numpy as np

from keras_cnnzoo import inspect
from keras_cnnzoo.cards import NameMap
from keras_cnnzoo.files import replacing
from keras_cnnzoo.layers import ColorNormalization
from keras_cnnzoo.registry import family_of
from keras_cnnzoo.weights import layout
from keras_cnnzoo.weights.identity import zoo_name
from keras_cnnzoo.weights.loading import flattened_maps, values_of
from keras_cnnzoo.weights.naming import is_recorded, places

if TYPE_CHECKING:
    import torch


def to_torch(model: keras.Model, names: str | None = None) -> "dict[str, torch.Tensor]":
    """Return a model's weights as the state dict of the same network in PyTorch.

    The normalisation constants of our first layer are left out, because PyTorch's
    networks take normalised images.

    Args:
        model: A model that `keras_cnnzoo.build` made.
        names: The library whose names and layout to use, a key of the family's
            `name_maps` such as "torchvision"; None takes the model's reference.

    Raises:
        ValueError: No PyTorch library's names are known for this model, or not those
            of `names`.
        ImportError: PyTorch is not installed; `save_safetensors` works without it.

    Example:
        >>> from keras_cnnzoo import build
        >>> state = to_torch(build("cifar_resnet20"))
        >>> tuple(state["layer1.0.conv1.weight"].shape)
        (16, 16, 3, 3)
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "`to_torch` needs PyTorch: pip install 'keras-cnnzoo[torch]'. Without it, "
            "`save_safetensors(model, path, names=...)` writes the same to a file."
        ) from error
    arrays = renamed(model, names or _own_reference(model))
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def save_safetensors(
    model: keras.Model, path: str | os.PathLike[str], names: str | None = None
) -> None:
    """Write a model's weights to a `.safetensors` file.

    The file is replaced in one step, so that it is never half written.

    Args:
        model: A model that `keras_cnnzoo.build` made.
        path: The file to write. Its folder must exist.
        names: The library whose names and layout to use, as for `to_torch`; None
            keeps our own, and stores the normalisation constants too.

    Raises:
        ValueError: The names of that library are not known for this model.
        OSError: The file cannot be written; an existing file is unchanged.
    """
    from safetensors.numpy import save_file

    arrays = values_of(model) if names is None else renamed(model, names)
    arrays = {name: np.asarray(x, order="C") for name, x in arrays.items()}
    about = {
        "model": zoo_name(model) or model.name,
        "input_shape": model.input_shape[1:],
    }
    metadata = {"format": "pt" if names else "keras", "keras_cnnzoo": json.dumps(about)}
    with replacing(path) as partial:
        save_file(arrays, partial, metadata)


def renamed(model: keras.Model, names: str) -> dict[str, np.ndarray]:
    """Return the weights by the names of another library, in PyTorch's layout."""
    maps = _torch_maps(model)
    if names not in maps:
        raise ValueError(
            f"{model.name!r} is known by the names of {', '.join(maps)}. "
            f"Received: names={names!r}"
        )
    name_map: NameMap = family_of(str(zoo_name(model))).name_maps[names]
    own = inspect.sublayers(model, ColorNormalization)
    left_out = {weight.path for layer in own for weight in layer.weights}
    values = {
        path: value
        for path, value in values_of(model).items()
        if path not in left_out and not is_recorded(path)
    }
    depthwise = {
        layer.kernel.path
        for layer in inspect.sublayers(model, keras.layers.DepthwiseConv2D)
    }
    flattened = flattened_maps(model)
    return {
        place.name: layout.to_torch(
            values[path],
            depthwise=path in depthwise,
            flattened=flattened.get(path),
            # A bias has one dimension in every kind of layer.
            rank=None if path.endswith("/bias") else place.rank,
        )
        for path, place in places(list(values), name_map).items()
    }


def _own_reference(model: keras.Model) -> str:
    """Return the key of the name map that belongs to the model's reference."""
    names = _torch_maps(model)
    name = str(zoo_name(model))
    library = family_of(name).variants[name].reference.partition("/")[0]
    return next((name for name in names if name.split()[0] == library), names[0])


def _torch_maps(model: keras.Model) -> list[str]:
    """List the keys of a model's name maps that use PyTorch's layout, unfolded."""
    own = zoo_name(model)
    known = {} if own is None else family_of(own).name_maps
    names = [
        name
        for name, name_map in known.items()
        if name_map.layout == "torch" and not name_map.folded
    ]
    if not names:
        raise ValueError(f"Nobody else's names are known for {model.name!r}.")
    return names
