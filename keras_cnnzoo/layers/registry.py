"""The registry of layers, for saving, loading and listing them by name."""

import fnmatch
from collections.abc import Callable
from typing import Any, TypeVar, overload

import keras

L = TypeVar("L", bound=type[keras.layers.Layer])

_LAYERS: dict[str, type[keras.layers.Layer]] = {}


@overload
def register_layer(cls: L) -> L: ...
@overload
def register_layer(*, package: str) -> Callable[[L], L]: ...
def register_layer(cls: Any = None, *, package: str | None = None) -> Any:
    """Add a layer class to the registry, and register it with Keras for saving.

    Use it as a decorator, `@register_layer` or `@register_layer(package="mine")`.

    Args:
        cls: A subclass of `keras.layers.Layer`.
        package: The package name in saved files; None takes the top-level package that
            defines the class.

    Returns:
        The class, unchanged.

    Raises:
        TypeError: `cls` is not a layer class.
        ValueError: Another class is registered under the same name.
    """
    if cls is None:
        return lambda cls: _register(cls, package)
    return _register(cls, package)


def _register(cls: Any, package: str | None) -> Any:
    if not (isinstance(cls, type) and issubclass(cls, keras.layers.Layer)):
        raise TypeError(f"Expected a subclass of keras.layers.Layer. Received: {cls!r}")
    taken = _LAYERS.get(cls.__name__)
    # Reloading a module defines the same class again; that is not a conflict.
    if taken is not None and taken.__module__ != cls.__module__:
        raise ValueError(
            f"A layer named {cls.__name__!r} is registered already, by "
            f"{taken.__module__!r}. Rename the one in {cls.__module__!r}."
        )
    root = package or cls.__module__.partition(".")[0]
    _LAYERS[cls.__name__] = keras.saving.register_keras_serializable(root)(cls)
    return cls


def list_layers(pattern: str = "*") -> list[str]:
    """List the names of registered layers that match a shell-style pattern."""
    return sorted(fnmatch.filter(_LAYERS, pattern))


def layer_class(name: str) -> type[keras.layers.Layer]:
    """Return a registered layer class by its name.

    Raises:
        KeyError: No layer of that name is registered.
    """
    return _LAYERS[name]
