"""Name the calls of layers, both in a dataflow and while a model runs."""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import keras

from keras_cnnzoo.call_path import CallPath
from keras_cnnzoo.inspect.trace.call_order import runs_in_order
from keras_cnnzoo.inspect.trace.calls import LayerCall, Step
from keras_cnnzoo.inspect.trace.dataflow import dataflow
from keras_cnnzoo.internals.calls import observe
from keras_cnnzoo.structure.paths import layer_paths
from keras_cnnzoo.structure.shapes import image_shape

#: `(name of the call, layer, output) -> the value to keep`.
Change: TypeAlias = Callable[[str, keras.layers.Layer, Any], Any]
#: From a layer's id to the numbers of its calls, in the order in which they run.
Numbers: TypeAlias = Mapping[int, Sequence[int]]


def named(
    model: keras.layers.Layer, steps: Sequence[Step]
) -> Iterator[tuple[str, LayerCall]]:
    """Yield the calls of layers with their names, in the order in which they run.

    Layers without a path are left out; the model itself has none.
    """
    calls = [step for step in steps if isinstance(step, LayerCall)]
    for path, call in zip(call_paths(model, calls), calls, strict=True):
        if path is not None:
            yield str(path), call


def call_paths(
    model: keras.layers.Layer, calls: Sequence[LayerCall]
) -> list[CallPath | None]:
    """Name each call; None for a layer without a path, such as the model itself."""
    names = CallNames(layer_paths(model), _numbers(calls))
    return [names.next(call.layer) for call in calls]


def call_numbers(model: keras.layers.Layer) -> Numbers:
    """Return the numbers by which `CallNames` names a model's calls as they run.

    If the model's input shape is not known, calls are numbered in the order in which
    they run.
    """
    if runs_in_order([model, *layer_paths(model).values()]):
        return {}
    own = isinstance(model, keras.Model) and getattr(model, "inputs", None)
    try:
        steps = dataflow(model, None if own else image_shape(model))
    except ValueError:
        return {}
    return _numbers([step for step in steps if isinstance(step, LayerCall)])


def _numbers(calls: Sequence[LayerCall]) -> Numbers:
    ranks: defaultdict[int, list[tuple[int, ...]]] = defaultdict(list)
    for call in calls:
        ranks[id(call.layer)].append(call.rank)
    return {
        layer: [sorted(each).index(rank) for rank in each]
        for layer, each in ranks.items()
        if len(each) > 1
    }


class CallNames:
    """Names the calls of one forward pass of a model, as they run.

    Args:
        layers: The layers by path, as `find` or `layer_paths` returns them.
        numbers: As `call_numbers` returns them for the model.
    """

    def __init__(
        self, layers: Mapping[str, keras.layers.Layer], numbers: Numbers
    ) -> None:
        self._paths = {id(layer): path for path, layer in layers.items()}
        self._numbers = numbers
        self._calls: Counter[int] = Counter()

    def next(self, layer: keras.layers.Layer) -> CallPath | None:
        """Return the name of a layer's next call; None if the layer has no path."""
        path = self._paths.get(id(layer))
        if path is None:
            return None
        call = self._calls[id(layer)]
        self._calls[id(layer)] += 1
        numbers = self._numbers.get(id(layer), ())
        return CallPath(path, numbers[call] if call < len(numbers) else call)


@contextlib.contextmanager
def collect(
    layers: Mapping[str, keras.layers.Layer], change: Change, numbers: Numbers
) -> Iterator[dict[str, Any]]:
    """Within the context, collect the outputs of layers, by the name of the call.

    Args:
        layers: The layers by path, as `find` returns them.
        change: Computes the value to keep from the call's name, the layer and its
            output.
        numbers: As `call_numbers` returns them for the model that runs.
    """
    names = CallNames(layers, numbers)
    kept: dict[str, Any] = {}

    def keep(layer: keras.layers.Layer, inputs: tuple[Any, ...], output: Any) -> None:
        if (name := names.next(layer)) is not None:
            kept[str(name)] = change(str(name), layer, output)

    with observe(keep):
        yield kept
