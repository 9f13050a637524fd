"""The parts of a network that Keras built: preprocessing, stages and head.

Keras wraps a network that it did not build as one nested layer: its feature maps cannot
be tapped from outside, and its own preprocessing stays in. So its parts are found, and
built anew from `keras_cnnzoo.surgery.graph`.
"""

import math
from collections import defaultdict
from collections.abc import Sequence

import keras
from keras import layers

from keras_cnnzoo.surgery.graph import Call

PREPROCESSING = (layers.Rescaling, layers.Normalization)
GLOBAL_POOLING = (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)
PADDING = (layers.ZeroPadding2D, layers.Cropping2D)


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
