"""A layer that makes layers of its own, and keeps what was changed in them since."""

from collections.abc import Mapping
from typing import Any

import keras
from keras.saving import deserialize_keras_object, serialize_keras_object


class CompositeLayer(keras.layers.Layer):
    """The base of every layer here that is made of other layers.

    What `quantize`, `enable_lora` or a user changed in an inner layer, or another
    layer that took its place, stands in `get_config` under "inner" and is there again
    in a copy or a loaded model. A layer that nobody changed adds nothing.

    Args:
        inner: What differs from the inner layers that the constructor would make, by
            attribute: entries of the inner layer's config, or a whole serialized
            layer. It is meant for `from_config`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.
    """

    def __init__(
        self, *, inner: Mapping[str, Mapping[str, Any]] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._inner = _InnerLayers(inner or {})

    def _make(
        self,
        attribute: str,
        kind: type[keras.layers.Layer],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Make an inner layer and hold it under `attribute`.

        Its name is the attribute's and its dtype policy this layer's, unless `kwargs`
        say otherwise.
        """
        kwargs = {
            "name": attribute.lstrip("_"),
            "dtype": self.dtype_policy,
        } | kwargs
        layer = self._inner.revive(attribute, kind(*args, **kwargs))
        setattr(self, attribute, layer)
        return layer

    def get_config(self) -> dict[str, Any]:
        changes = self._inner.changes(self)
        return super().get_config() | ({"inner": changes} if changes else {})


class _InnerLayers:
    """How the inner layers of one layer were made. Not a layer, so not tracked."""

    def __init__(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        #: What differs, of layers that are not made yet.
        self.pending = dict(changes)
        #: The class and config of each layer as its owner makes it, by attribute.
        self.made: dict[str, tuple[Any, dict[str, Any]]] = {}

    def revive(self, attribute: str, layer: keras.layers.Layer) -> keras.layers.Layer:
        """Return the layer that was made, or what a config says it has become."""
        config = _plain(layer.get_config())
        self.made[attribute] = type(layer), config
        change = self.pending.pop(attribute, None)
        if change is None:
            return layer
        if "class_name" in change:
            return deserialize_keras_object(change)
        return type(layer).from_config(config | dict(change))

    def changes(self, owner: Any) -> dict[str, Any]:
        """Return what differs now, as `CompositeLayer` takes it."""
        found = dict(self.pending)
        for attribute, (kind, made) in self.made.items():
            layer = getattr(owner, attribute)
            if type(layer) is not kind:
                found[attribute] = serialize_keras_object(layer)
                continue
            config = _plain(layer.get_config())
            if not owner.trainable:
                # To freeze a layer freezes all that is in it; that is no change.
                config["trainable"] = made["trainable"]
            changed = {k: v for k, v in config.items() if made.get(k) != v}
            # An entry that is gone, such as "inner" of a layer made plain again.
            changed |= {k: None for k in made if k not in config}
            if changed:
                found[attribute] = changed
        return found


def _plain(config: Any) -> Any:
    """Return a config without the numbers that Keras gives shared objects in a file."""
    if isinstance(config, dict):
        return {k: _plain(v) for k, v in config.items() if k != "shared_object_id"}
    if isinstance(config, list | tuple):
        return [_plain(value) for value in config]
    return config


def build_once(layer: keras.layers.Layer, input_shape: Any) -> None:
    """Build an inner layer, unless it came with its weights."""
    if not layer.built:
        layer.build(input_shape)
