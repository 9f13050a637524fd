"""The order in which the calls of a shared layer are numbered.

The order in which Keras runs the calls of a Functional model depends on later layers
too: `Add()([a, b])` and `Add()([b, a])` run the layers that compute `a` and `b` in
different orders. The names of calls must not change with that. So within a Functional
model, calls are numbered by their depth in the graph: first the calls that use only
the model's inputs, then those that also use outputs of the first, and so on. Within a
depth, calls are sorted by their inputs, and calls with the same inputs by the layers'
names, in which digits are compared as numbers: `conv_2` comes before `conv_10`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import keras

from keras_cnnzoo.internals.graph import Graph, graph_of


class CallOrder:
    """Ranks the calls that a layer makes during one of its own calls, as they run.

    Args:
        layer: The layer, block or model that makes the calls.
        rank: The rank of the layer's own call, with which the ranks of its calls begin.
    """

    def __init__(
        self, layer: keras.layers.Layer | None = None, rank: tuple[int, ...] = ()
    ) -> None:
        self.rank = rank
        self._ranks = _ranks(layer) if layer is not None else {}
        self._calls: Counter[int] = Counter()
        self._count = 0

    def next(self, layer: keras.layers.Layer) -> tuple[int, ...]:
        """Return the rank of a layer's next call."""
        ranks = self._ranks.get(id(layer), ())
        call, self._count = self._calls[id(layer)], self._count + 1
        self._calls[id(layer)] += 1
        own = ranks[call] if call < len(ranks) else self._count
        return (*self.rank, own)


def runs_in_order(layers: Sequence[keras.layers.Layer]) -> bool:
    """Tell whether the calls of each layer run in the order of their numbers.

    Args:
        layers: Every layer of a model, and the model itself.
    """
    found: defaultdict[int, list[list[int]]] = defaultdict(list)
    for layer in layers:
        for name, ranks in _ranks(layer).items():
            found[name].append(ranks)
    return all(
        len(graphs) == 1 and graphs[0] == sorted(graphs[0]) for graphs in found.values()
    )


def _ranks(model: keras.layers.Layer) -> dict[int, list[int]]:
    """Return, by layer id, the ranks of its calls in the order in which they run.

    The result is empty unless the model is Functional.
    """
    graph = graph_of(model)
    if graph is None:
        return {}
    ranked = _ranked(graph)
    found: defaultdict[int, list[int]] = defaultdict(list)
    for node, rank in zip(graph.nodes, ranked, strict=True):
        found[id(node.operation)].append(rank)
    return found


def _ranked(graph: Graph) -> list[int]:
    """Return the rank of each call of a graph."""
    place: dict[int, tuple[int, int]] = {x: (0, i) for i, x in enumerate(graph.inputs)}
    levels: defaultdict[int, list[int]] = defaultdict(list)
    level_of: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    for number, node in enumerate(graph.nodes):
        level = 1 + max((level_of.get(x, 0) for x in node.inputs), default=0)
        level_of |= dict.fromkeys(node.outputs, level)
        levels[level].append(number)
    ranked = [0] * len(graph.nodes)
    done = 0
    for level in sorted(levels):

        def key(number: int) -> Any:
            node = graph.nodes[number]
            given = tuple(place.get(x, (0, -1)) for x in node.inputs)
            return given, natural(node.operation.name)

        for number in sorted(levels[level], key=key):
            ranked[number] = done
            for output, x in enumerate(graph.nodes[number].outputs):
                place[x] = (done + 1, output)
            done += 1
    return ranked


def natural(name: str) -> tuple[tuple[str, int], ...]:
    """Return a sort key by which numbers in names are compared as numbers."""
    parts = re.findall(r"(\D*)(\d*)", name)
    return tuple((text, int(digits or -1)) for text, digits in parts)
