"""List the calls of a functional network, and repeat them with new layers.

Every call in the list comes after those that it depends on, so that any part of it can
be repeated on another tensor.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras


class Call(NamedTuple):
    """One operation of a network, with the arguments of its call."""

    operation: keras.Operation
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def inputs(self) -> list[keras.KerasTensor]:
        """The symbolic tensors among the arguments."""
        leaves = keras.tree.flatten((self.args, self.kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]

    @property
    def output(self) -> keras.KerasTensor:
        """The symbolic tensor that it returned."""
        return self.operation.output


def calls(network: keras.Model) -> list[Call]:
    """List every call of a functional network, inputs first, without running any."""
    found = []

    def note(operation: Any, *args: Any, **kwargs: Any) -> keras.KerasTensor:
        found.append(Call(operation, args, kwargs))
        return operation.output

    # Cloning is the public way of Keras to get the arguments of every call. Each call
    # returns its existing output, so nothing is copied.
    keras.models.clone_model(
        network,
        input_tensors=network.input,
        clone_function=lambda layer: layer,
        call_function=note,
    )
    return found


def regrow(
    calls: Sequence[Call],
    start: keras.KerasTensor,
    x: keras.KerasTensor,
    names: Mapping[str, str],
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[int, keras.KerasTensor]:
    """Repeat all computations that depend on `start` with new layers, on `x`.

    Args:
        calls: The calls to repeat. Those that do not depend on `start` are left out.
        start: A tensor of the old network.
        x: The tensor that replaces `start`.
        names: The new name of each operation.
        changes: Entries to replace in the config of an operation, by its old name.

    Returns:
        The new tensors by the `id` of the old ones.
    """
    grown = {id(start): x}

    def new(leaf: Any) -> Any:
        return grown[id(leaf)] if isinstance(leaf, keras.KerasTensor) else leaf

    for call in calls:
        if not any(id(t) in grown for t in call.inputs):
            continue
        old = call.operation
        config = old.get_config() | {"name": names[old.name]}
        config |= (changes or {}).get(old.name, {})
        args, kwargs = keras.tree.map_structure(new, (call.args, call.kwargs))
        grown[id(call.output)] = type(old).from_config(config)(*args, **kwargs)
    return grown
