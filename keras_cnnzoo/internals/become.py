"""Make a layer another where it stands, so that all who hold it hold the other.

Keras has no way to put a layer in the place of another: models, blocks and lists hold
layers by identity, in attributes that are locked once they are built. So the layer
stays, and its class and state are exchanged.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

#: What ties a layer to the models it stands in rather than to what it computes.
PLACE = ("_inbound_nodes", "_outbound_nodes")


def become(layer: keras.layers.Layer, other: keras.layers.Layer) -> None:
    """Give a layer the class and state of another, which must not be used after.

    Args:
        layer: Any layer, alone or within models and blocks.
        other: A layer that is built for the same input.
    """
    state = vars(other)
    state.update({name: vars(layer)[name] for name in PLACE if name in vars(layer)})
    # Past Keras's own `__setattr__`, which would track the state as an attribute.
    object.__setattr__(layer, "__class__", type(other))
    object.__setattr__(layer, "__dict__", state)
    for node in state.get("_inbound_nodes", ()):
        node.arguments.kwargs = taken(layer, node.arguments.kwargs)


def taken(layer: keras.layers.Layer, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out arguments of a call that are None and that a layer does not take.

    Keras notes `mask=None` with the calls of some layers, which others do not take.
    """
    call = inspect.signature(layer.call).parameters
    return {k: v for k, v in kwargs.items() if v is not None or k in call}
