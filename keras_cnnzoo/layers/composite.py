"""A base class for layers made of inner layers, which saves changes to these."""

from collections.abc import Mapping
from typing import Any

import keras
from keras.saving import deserialize_keras_object, serialize_keras_object


class CompositeLayer(keras.layers.Layer):
    """The base of every layer here that consists of other layers.

    `get_config` stores changes to inner layers under "inner", so that a copy or a
    loaded model has them too: changes by `quantize`, `enable_lora` or the user, and
    inner layers that were replaced. Unchanged inner layers add no entry.

    Args:
        inner: Changes to the inner layers that the constructor makes, by attribute:
            entries of the inner layer's config, or a whole serialized layer. It is
            meant for `from_config`.
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

        By default it has the attribute's name and this layer's dtype policy.
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
    """The original configs of one layer's inner layers. Not a layer, so not tracked."""

    def __init__(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        #: Changes to layers that are not made yet.
        self.pending = dict(changes)
        #: The original class and config of each inner layer, by attribute.
        self.made: dict[str, tuple[Any, dict[str, Any]]] = {}

    def revive(self, attribute: str, layer: keras.layers.Layer) -> keras.layers.Layer:
        """Return the layer, or the changed one if a saved config has changes for it."""
        config = _plain(layer.get_config())
        self.made[attribute] = type(layer), config
        change = self.pending.pop(attribute, None)
        if change is None:
            return layer
        if "class_name" in change:
            return deserialize_keras_object(change)
        return type(layer).from_config(config | dict(change))

    def changes(self, owner: Any) -> dict[str, Any]:
        """Return the current changes, as the argument `inner` of `CompositeLayer`."""
        found = dict(self.pending)
        for attribute, (kind, made) in self.made.items():
            layer = getattr(owner, attribute)
            if type(layer) is not kind:
                found[attribute] = serialize_keras_object(layer)
                continue
            config = _plain(layer.get_config())
            if not owner.trainable:
                # Freezing a layer also freezes its inner layers; that is not a change.
                config["trainable"] = made["trainable"]
            changed = {k: v for k, v in config.items() if made.get(k) != v}
            # Entries that were removed, such as "inner" once no change is left.
            changed |= {k: None for k in made if k not in config}
            if changed:
                found[attribute] = changed
        return found


def _plain(config: Any) -> Any:
    """Return a config without the ids that Keras gives to shared objects."""
    if isinstance(config, dict):
        return {k: _plain(v) for k, v in config.items() if k != "shared_object_id"}
    if isinstance(config, list | tuple):
        return [_plain(value) for value in config]
    return config


def build_once(layer: keras.layers.Layer, input_shape: Any) -> None:
    """Build an inner layer, unless it is built already."""
    if not layer.built:
        layer.build(input_shape)
