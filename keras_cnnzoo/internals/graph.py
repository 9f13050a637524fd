"""The graph of a Functional model, whose calls Keras does not make public."""

from typing import NamedTuple

import keras


class Node(NamedTuple):
    """One call of an operation or layer in the graph of a Functional model.

    Attributes:
        operation: The operation or layer that is called.
        inputs: Ids of the symbolic tensors that it takes.
        outputs: Ids of the symbolic tensors that it returns.
    """

    operation: keras.Operation
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Graph(NamedTuple):
    """The calls of a Functional model, in the order in which Keras runs them.

    Attributes:
        inputs: Ids of the model's symbolic input tensors.
        nodes: The calls. Input layers are left out.
    """

    inputs: tuple[int, ...]
    nodes: tuple[Node, ...]


def graph_of(model: keras.layers.Layer) -> Graph | None:
    """Return the graph of a Functional model, or None for any other layer."""
    by_depth = getattr(model, "_nodes_by_depth", None)
    if not isinstance(model, keras.Model) or by_depth is None:
        return None
    nodes = [
        Node(
            node.operation,
            tuple(map(id, node.input_tensors)),
            tuple(map(id, node.output_tensors)),
        )
        for depth in sorted(by_depth, reverse=True)
        for node in by_depth[depth]
        if node.operation is not None and not node.is_input
    ]
    return Graph(tuple(map(id, model.inputs)), tuple(nodes))


def tensors_of(model: keras.Model) -> dict[int, keras.KerasTensor]:
    """Return the symbolic tensors in the graph of a Functional model, by their ids."""
    return {
        id(tensor): tensor
        for nodes in model._nodes_by_depth.values()
        for node in nodes
        for tensor in (*node.input_tensors, *node.output_tensors)
    }
