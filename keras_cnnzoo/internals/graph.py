"""The graph of a Functional model. Keras shows its layers publicly, not their calls."""

from typing import NamedTuple

import keras


class Node(NamedTuple):
    """One call of an operation or layer in the graph of a Functional model.

    Attributes:
        operation: What is called.
        inputs: The symbolic tensors that it is given, by identity.
        outputs: The symbolic tensors that it gives, by identity.
    """

    operation: keras.Operation
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Graph(NamedTuple):
    """The calls of a Functional model, in the order in which Keras runs them.

    Attributes:
        inputs: The symbolic tensors of the model's inputs, by identity.
        nodes: The calls. Input layers are left out.
    """

    inputs: tuple[int, ...]
    nodes: tuple[Node, ...]


def graph_of(model: keras.layers.Layer) -> Graph | None:
    """Return the graph of a Functional model, None of any other layer."""
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
