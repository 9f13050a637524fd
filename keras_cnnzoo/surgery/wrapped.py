"""The parts of a network of Keras Applications: preprocessing, stages and head.

As one nested layer, such a network would hide its feature maps, and keep its own
preprocessing. So its parts are identified here and rebuilt by
`keras_cnnzoo.surgery.graph`.
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
    """Map each name to the one it would have in the first network of a session.

    Keras numbers unnamed layers across a session: in the same network, `conv2d_7`
    becomes `conv2d_101` when it is built again. But users freeze and load layers by
    name, so names must not depend on earlier models.
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
    """Return the calls of the classifier head, from the last pooling onwards.

    Raises:
        ValueError: The network does not end in pooling or flattening one feature map.
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
    """Find the last feature map of each stride; level n is stride 2**n, from 1 on.

    A feature map counts only if everything after it depends on it alone, so that no
    inner map of a residual block is taken. In NASNet, cells also use the output of the
    cell before the last, so a stride may have no such map; then the one that joins most
    branches is taken.
    """
    last_use = {id(t): i for i, call in enumerate(calls) for t in call.inputs}
    source = calls[0].inputs[0]
    levels: dict[int, int] = {id(source): 0}
    reach = last_use[id(source)]
    found: dict[int, tuple[float, keras.KerasTensor]] = {}
    for i, call in enumerate(calls):
        maps = [t for t in call.inputs if id(t) in levels]
        # Squeeze-and-excite factors have four axes too, but are not feature maps.
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
    """Return the stride of an operation, or the product of a nested model's strides."""
    if isinstance(operation, keras.Model):
        return math.prod(_stride(layer) for layer in operation.layers)
    strides = getattr(operation, "strides", 1)
    return strides if isinstance(strides, int) else max(strides)
