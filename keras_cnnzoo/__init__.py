"""keras-cnnzoo: convolutional networks for Keras 3, by name.

    from keras_cnnzoo import build
    model = build("resnet18", input_shape=(64, 64, 3), classes=10)

Importing the package does not import Keras, so that whatever needs no model, such as
the command's `--help`, is quick. As soon as Keras is imported, the layers of this
package and of plugins are registered, so that saved models load. Everything else is
imported when it is first used.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from keras_cnnzoo.chatter import without_chatter
from keras_cnnzoo.deferred import when_imported
from keras_cnnzoo.installed import require_backend
from keras_cnnzoo.other_names import PACKAGE, missing

if TYPE_CHECKING:
    from keras_cnnzoo import cards, data, inspect, layers, surgery, training, weights
    from keras_cnnzoo.layers.registry import list_layers, register_layer
    from keras_cnnzoo.registry import card, list_models, register
    from keras_cnnzoo.registry.how_built import origin
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
_MODULES = ("cards", "data", "inspect", "layers", "surgery", "training", "weights")

__all__ = [
    "__version__",
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
    "surgery",
    "training",
    "weights",
]


if not TYPE_CHECKING:  # type checkers know the names above, and no others

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            return getattr(_import(_HOMES[name]), name)
        if name in _MODULES:
            return _import(name)
        raise AttributeError(missing(__name__, name, __all__, PACKAGE))


def _import(name: str) -> Any:
    if "keras" not in sys.modules:
        require_backend()
    return importlib.import_module(f"keras_cnnzoo.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)


when_imported("keras", lambda: _import("layers"), within=without_chatter)
