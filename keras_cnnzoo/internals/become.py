"""Turn a layer into another one in place, so that all references to it stay valid.

Keras has no way to replace a layer: models, blocks and lists refer to layers by
identity, in attributes that are locked after building. So the object stays, and its
class and state are replaced.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

#: Attributes that belong to the graph around a layer, not to its computation.
PLACE = ("_inbound_nodes", "_outbound_nodes")


def become(layer: keras.layers.Layer, other: keras.layers.Layer) -> None:
    """Give a layer the class and state of another, which must not be used afterwards.

    Args:
        layer: Any layer, also inside models and blocks.
        other: A layer that is built for the same input.
    """
    state = vars(other)
    state.update({name: vars(layer)[name] for name in PLACE if name in vars(layer)})
    # Bypasses Keras's `__setattr__`, which would track the state as an attribute.
    object.__setattr__(layer, "__class__", type(other))
    object.__setattr__(layer, "__dict__", state)
    for node in state.get("_inbound_nodes", ()):
        node.arguments.kwargs = taken(layer, node.arguments.kwargs)


def taken(layer: keras.layers.Layer, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Remove arguments of a call that are None and that a layer does not accept.

    Keras records `mask=None` for the calls of some layers; others do not accept it.
    """
    call = inspect.signature(layer.call).parameters
    return {k: v for k, v in kwargs.items() if v is not None or k in call}
