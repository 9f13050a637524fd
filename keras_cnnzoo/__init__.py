"""keras-cnnzoo: convolutional networks for Keras 3, by name.

    from keras_cnnzoo import build
    model = build("resnet18", input_shape=(64, 64, 3), classes=10)

Importing the package registers its layers, so that saved models load. All else is
imported when it is first used.
"""

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_cnnzoo import cards, data, inspect, layers, training, weights
    from keras_cnnzoo.layers.registry import list_layers, register_layer
    from keras_cnnzoo.registry import card, list_models, origin, register
    from keras_cnnzoo.zoo import build

__version__ = "0.1.0"

_HOMES = {
    "build": "zoo",
    "card": "registry",
    "list_layers": "layers.registry",
    "list_models": "registry",
    "origin": "registry",
    "register": "registry",
    "register_layer": "layers.registry",
}
_MODULES = ("cards", "data", "inspect", "layers", "training", "weights")

__all__ = [
    "build",
    "card",
    "cards",
    "data",
    "inspect",
    "layers",
    "list_layers",
    "list_models",
    "origin",
    "register",
    "register_layer",
    "training",
    "weights",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"keras_cnnzoo.{_HOMES[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"keras_cnnzoo.{name}")
    raise AttributeError(f"module 'keras_cnnzoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# The command answers --help without Keras, and quiets the backend before it starts;
# it registers the layers itself.
if Path(sys.argv[0]).name not in ("cnnzoo", "cnnzoo.exe"):
    importlib.import_module("keras_cnnzoo.layers")
