"""The same networks in other libraries, where these are installed."""

from collections.abc import Callable
from typing import Any

import keras

from keras_cnnzoo.axes import image_shape
from keras_cnnzoo.bench.contender import Contender, Task, keras_contender
from keras_cnnzoo.bench.torch_contender import torch_contender
from keras_cnnzoo.registry.index import family_of

#: Makes the network of a library that is the same as, or closest to, one of ours; given
#: are our contender and the task.
Make = Callable[[Contender, Task], Contender]


def _keras(ours: Contender, task: Task) -> Contender:
    functions = {
        name.lower(): function
        for name, function in vars(keras.applications).items()
        if name[0].isupper()
    }
    plain = ours.name.replace("_", "")
    name = next((n for n in (plain, plain.removesuffix("v1")) if n in functions), None)
    if name is None:
        raise LookupError("Keras Applications has no such network")
    function = functions[name]
    model = function(
        weights=None,
        input_shape=image_shape(task.images.shape[1:]),
        classes=task.classes,
        classifier_activation=None,
    )
    return keras_contender(function.__name__, LIBRARIES["keras"], model, task)


def _timm(ours: Contender, task: Task) -> Contender:
    import timm

    name = _named("timm", ours.name, timm.is_model)
    channels = task.images.shape[-1]
    network = timm.create_model(name, num_classes=task.classes, in_chans=channels)
    return _torch(name, "timm", network, ours, task)


def _torchvision(ours: Contender, task: Task) -> Contender:
    from torchvision import models

    name = _named("torchvision", ours.name, set(models.list_models()).__contains__)
    if task.images.shape[-1] != 3:
        raise LookupError("torchvision's networks take images with 3 channels")
    network = models.get_model(name, weights=None, num_classes=task.classes)
    return _torch(name, "torchvision", network, ours, task)


def _named(library: str, name: str, is_there: Callable[[str], bool]) -> str:
    """Return a library's name of the network that we call `name`."""
    variant = family_of(name).variants[name]
    stated = [n for n in (variant.reference, *variant.twins) if n.startswith(library)]
    for candidate in (*(n.removeprefix(f"{library}/") for n in stated), name):
        if is_there(candidate):
            return candidate
    raise LookupError(f"{library} has no such network")


def _torch(
    name: str, library: str, network: Any, ours: Contender, task: Task
) -> Contender:
    assert ours.macs is not None
    return torch_contender(
        name, LIBRARIES[library], network, task, ours.macs, ours.params
    )


#: How each library is called in tables.
LIBRARIES = {
    "keras": "Keras Applications",
    "timm": "timm",
    "torchvision": "torchvision",
}
_MAKERS: dict[str, Make] = {
    "keras": _keras,
    "timm": _timm,
    "torchvision": _torchvision,
}


def other(library: str, ours: Contender, task: Task) -> Contender:
    """Make the network of another library that is the same as one of ours.

    Where the card of ours names a network of that library, it is that one, else the one
    of the same name.

    Args:
        library: A key of `LIBRARIES`.
        ours: Our network.
        task: What every network gets.

    Raises:
        ImportError: The library is not installed, or fails here.
        LookupError: It has no such network.
    """
    try:
        return _MAKERS[library](ours, task)
    except RuntimeError as error:  # torchvision beside another build of PyTorch
        raise ImportError(str(error)) from error
