"""Cut parts out of a functional network and regrow them on a tensor of one's own.

Keras wraps a network that it did not build as one nested layer: its inner maps cannot
be tapped from outside, and its own preprocessing stays in. Here a network is read as
the list of its calls, in an order in which every call follows those it depends on,
and any stretch of that list is called again with new layers.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
from keras import layers

PREPROCESSING = (layers.Rescaling, layers.Normalization)
GLOBAL_POOLING = (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)
PADDING = (layers.ZeroPadding2D, layers.Cropping2D)


class Call(NamedTuple):
    """One operation of a network, with the arguments it was called with."""

    operation: keras.Operation
    args: tuple
    kwargs: dict[str, Any]

    @property
    def inputs(self) -> list[keras.KerasTensor]:
        """The symbolic tensors among the arguments."""
        leaves = keras.tree.flatten((self.args, self.kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]

    @property
    def output(self) -> keras.KerasTensor:
        """The symbolic tensor that came of it."""
        return self.operation.output


def calls(network: keras.Model) -> list[Call]:
    """List every call of a functional network, inputs first, and run none of them."""
    found = []

    def note(operation, *args, **kwargs):
        found.append(Call(operation, args, kwargs))
        return operation.output

    # Cloning is Keras's public way to be shown the arguments of every call. Each
    # answer is the tensor that is there already, so the clone is the network itself.
    keras.models.clone_model(
        network,
        input_tensors=network.input,
        clone_function=lambda layer: layer,
        call_function=note,
    )
    return found


def plain_names(calls: Sequence[Call]) -> dict[str, str]:
    """Map each name to the one it has where its network is the first of a session.

    Keras numbers unnamed layers through the session: the same network built twice has
    `conv2d_7` once and `conv2d_101` once. Names by which people freeze and load must
    not depend on what was built before.
    """
    names = {call.operation.name: call.operation.name for call in calls}
    numbered = defaultdict(list)
    for call in calls:
        name = call.operation.name
        stem, _, number = name.rpartition("_")
        if not number.isdigit():
            stem, number = name, "0"
        if stem.replace("_", "") == type(call.operation).__name__.lower():
            numbered[stem].append((int(number), name))
    for stem, members in numbered.items():
        for rank, (_, name) in enumerate(sorted(members)):
            names[name] = f"{stem}_{rank}" if rank else stem
    return names


def preprocessing(calls: Sequence[Call]) -> list[Call]:
    """Return the leading calls that only scale and shift the pixels."""
    first_other = next(
        (i for i, c in enumerate(calls) if not isinstance(c.operation, PREPROCESSING)),
        len(calls),
    )
    return list(calls[:first_other])


def head(calls: Sequence[Call]) -> list[Call]:
    """Return the calls of a classifier's top: from the last map's pooling onwards.

    Raises:
        ValueError: The network does not end in pooling or flattening one map.
    """
    makers = {id(call.output): call for call in calls}
    chain: list[Call] = []
    start = None
    call: Call | None = calls[-1]
    while call is not None and len(call.inputs) == 1:
        chain.append(call)
        if isinstance(call.operation, (*GLOBAL_POOLING, layers.Flatten)):
            start = len(chain)
        call = makers.get(id(call.inputs[0]))
    if start is None:
        raise ValueError(
            f"Found no top: {calls[-1].operation.name!r} does not follow from pooling "
            "or flattening one map."
        )
    return chain[:start][::-1]


def stage_maps(calls: Sequence[Call]) -> dict[int, keras.KerasTensor]:
    """Find the last map of each stride; level n is stride 2**n, from 1 on.

    A map counts where all that follows passes through it, so no half of a residual
    block is taken for the stage. Where a stride has no such map, because cells look
    back at the one before the last (NASNet), it is the one that joins most branches.
    """
    last_use = {id(t): i for i, call in enumerate(calls) for t in call.inputs}
    source = calls[0].inputs[0]
    levels: dict[int, int] = {id(source): 0}
    reach = last_use[id(source)]
    found: dict[int, tuple[float, keras.KerasTensor]] = {}
    for i, call in enumerate(calls):
        maps = [t for t in call.inputs if id(t) in levels]
        # A gate (squeeze-excite) is four-dimensional too, but has no size of its own.
        if maps and not isinstance(call.operation, GLOBAL_POOLING):
            level = max(levels[id(t)] for t in maps) + round(
                math.log2(_stride(call.operation))
            )
            levels[id(call.output)] = level
            rank = math.inf if reach <= i else len(maps)
            if not isinstance(call.operation, PADDING) and level:
                best, _ = found.get(level, (0, None))
                if rank >= best:
                    found[level] = rank, call.output
        reach = max(reach, last_use.get(id(call.output), 0))
    return {level: found[level][1] for level in sorted(found)}


def _stride(operation: keras.Operation) -> int:
    """Return the step of an operation, or of all layers nested in it together."""
    if isinstance(operation, keras.Model):
        return math.prod(_stride(layer) for layer in operation.layers)
    strides = getattr(operation, "strides", 1)
    return strides if isinstance(strides, int) else max(strides)


def regrow(
    calls: Sequence[Call],
    start: keras.KerasTensor,
    x: keras.KerasTensor,
    names: Mapping[str, str],
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[int, keras.KerasTensor]:
    """Repeat with new layers, on `x`, whatever was computed from `start`.

    Args:
        calls: The calls to repeat; those that do not follow from `start` are left out.
        start: A tensor of the old network.
        x: The tensor that takes its place.
        names: The new name of each operation.
        changes: Entries to replace in the config of an operation, by its old name.

    Returns:
        The new tensors, by the `id` of the old.
    """
    grown = {id(start): x}

    def new(leaf):
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
