"""Split a model into the part that computes the head's features, and the head."""

from collections.abc import Collection, Mapping
from inspect import signature
from typing import Any, NamedTuple

import keras

from keras_cnnzoo.internals.graph import Graph, Node, graph_of, tensors_of
from keras_cnnzoo.training.order import Path, weighted_paths


class Parts(NamedTuple):
    """A model in two parts that share its layers: `head(features(x))` is the model."""

    features: keras.Model
    head: keras.Model


def split_head(model: keras.Model) -> Parts:
    """Split a model before its head, the last layer with weights.

    Layers without weights directly before it belong to the head if they act only in
    training, as dropout does, and so do those between them and the head. All layers
    after it belong to the head.

    Args:
        model: Any built Functional or Sequential model; the head may be in a nested
            one.

    Returns:
        Two models that share the layers, and so the weights, of the given one.

    Raises:
        ValueError: The model has no weights, no graph that Keras knows, nothing before
            its head, or its last layer with weights contains more than a head.
    """
    path = weighted_paths(model)[-1]
    parts = _split(model, path)
    if parts is None:
        raise ValueError(
            f"{model.name!r} has nothing before its head {path[-1].name!r} that could "
            "be computed only once. Train it with `fit`."
        )
    own = {id(weight) for weight in path[-1].weights}
    others = [w for w in parts.head.trainable_weights if id(w) not in own]
    if others:
        raise ValueError(
            f"The head {path[-1].name!r} of {model.name!r} cannot be separated from "
            f"{others[0].path!r}: both are inside one layer, or that comes after the "
            "head. Train it with `freeze` and `fit`."
        )
    return parts


def _split(model: keras.Model, path: Path) -> Parts | None:
    """Split a model before the last layer of `path`; None if nothing is before it."""
    if isinstance(model, keras.Sequential):
        model = keras.Model(_one(model.inputs), _one(model.outputs))
    graph = graph_of(model)
    if graph is None:
        raise ValueError(
            f"{model.name!r} is a subclassed model, whose graph Keras does not know. "
            "Make it a Functional model, or train it with `freeze` and `fit`."
        )
    first, *rest = path
    inner = _split(first, rest) if rest and isinstance(first, keras.Model) else None
    of_head = [node for node in graph.nodes if node.operation is first]
    tail = _dependents(graph, of_head)
    if inner is None:
        tail |= _acting_in_training(graph, tail)
    tensors = tensors_of(model)
    # Outputs that do not come from the head pass by it.
    answers = [id(tensor) for tensor in keras.tree.flatten(model.output)]
    cut = [tensors[t] for t in _entering(graph, tail, answers)]
    if inner is not None:
        return _joined(model, inner, of_head, cut, tensors)
    if all(id(tensor) in graph.inputs for tensor in cut):
        return None
    return Parts(keras.Model(model.input, _one(cut)), _between(cut, model.output))


def _joined(
    model: keras.Model,
    inner: Parts,
    of_head: list[Node],
    cut: list[keras.KerasTensor],
    tensors: Mapping[int, keras.KerasTensor],
) -> Parts:
    """Join the parts of a nested model with what is before and after it.

    Args:
        model: The outer model.
        inner: The parts of the nested model.
        of_head: The calls of the nested model.
        cut: The tensors that the nested model, and what comes after it, takes.
        tensors: The tensors of the outer model by their ids.
    """
    if len(of_head) != 1:
        raise ValueError(
            f"{model.name!r} calls {of_head[0].operation.name!r} {len(of_head)} times, "
            "so its head cannot be separated. Train it with `freeze` and `fit`."
        )
    (call,) = of_head
    given = [tensors[t] for t in call.inputs]
    beside = [tensor for tensor in cut if id(tensor) not in call.inputs]
    features = keras.tree.flatten(
        inner.features(keras.tree.pack_sequence_as(inner.features.input, given))
    )
    starts = [
        keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype)
        for tensor in (*features, *beside)
    ]
    taken = starts[: len(features)]
    answers = keras.tree.flatten(inner.head(_one(taken)))
    rest = _between([tensors[t] for t in call.outputs] + beside, model.output)
    return Parts(
        keras.Model(model.input, _one(features + beside)),
        keras.Model(_one(starts), rest(_one(answers + starts[len(features) :]))),
    )


def _between(starts: list[keras.KerasTensor], output: Any) -> keras.Model:
    """Return the part of a model from inner tensors to its outputs."""
    passing = {id(tensor) for tensor in starts}
    ends = keras.tree.flatten(output)
    if passing.isdisjoint(map(id, ends)):
        return keras.Model(_one(starts), output)
    # Keras cannot cut a graph at a tensor that is also an output.
    inputs = [keras.Input(batch_shape=t.shape, dtype=t.dtype) for t in starts]
    made = {id(old): new for old, new in zip(starts, inputs, strict=True)}
    computed = [tensor for tensor in ends if id(tensor) not in passing]
    if computed:
        answers = keras.Model(starts, computed)(inputs)
        made |= {id(old): new for old, new in zip(computed, answers, strict=True)}
    outputs = [made[id(tensor)] for tensor in ends]
    return keras.Model(_one(inputs), keras.tree.pack_sequence_as(output, outputs))


def _dependents(graph: Graph, nodes: Collection[Node]) -> set[Node]:
    """Return calls and all that depend on them."""
    found, reached = set(nodes), {t for node in nodes for t in node.outputs}
    for node in graph.nodes:
        if not reached.isdisjoint(node.inputs):
            found.add(node)
            reached |= set(node.outputs)
    return found


def _acting_in_training(graph: Graph, tail: set[Node]) -> set[Node]:
    """Return the calls just before a tail that act in training, and what follows them.

    Only layers without weights are searched, whose outputs go to the tail alone.
    """
    users: dict[int, set[Node]] = {}
    for node in graph.nodes:
        for tensor in node.inputs:
            users.setdefault(tensor, set()).add(node)
    grown = set(tail)
    for node in reversed(graph.nodes):
        takers = set[Node]().union(*(users.get(t, ()) for t in node.outputs))
        if takers and takers <= grown and not getattr(node.operation, "weights", ()):
            grown.add(node)
    acting = [node for node in grown - tail if _acts_in_training(node.operation)]
    return _dependents(graph, acting) & grown


def _acts_in_training(operation: keras.Operation) -> bool:
    return "training" in signature(operation.call).parameters


def _entering(graph: Graph, tail: set[Node], answers: list[int]) -> list[int]:
    """Return the ids of the tensors that a tail, or an answer, takes from outside."""
    made = {t for node in tail for t in node.outputs}
    needed = [t for node in graph.nodes if node in tail for t in node.inputs] + answers
    return [t for t in dict.fromkeys(needed) if t not in made]


def _one(tensors: list[Any]) -> Any:
    """Return the only tensor of a list, or the list."""
    return tensors[0] if len(tensors) == 1 else tensors
