"""Name the calls of layers while a model runs, and keep what they give."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import keras

from keras_cnnzoo.call_path import CallPath
from keras_cnnzoo.internals.calls import observe

#: `(name of the call, layer, output) -> what is kept of it`.
Change: TypeAlias = Callable[[str, keras.layers.Layer, Any], Any]


class CallNames:
    """Names the calls of one pass through a model, as they come.

    Args:
        layers: The layers by path, as `find` or `layer_paths` gives them.
    """

    def __init__(self, layers: Mapping[str, keras.layers.Layer]) -> None:
        self._paths = {id(layer): path for path, layer in layers.items()}
        self._calls: Counter[int] = Counter()

    def next(self, layer: keras.layers.Layer) -> CallPath | None:
        """Return the name of a layer's next call; None where it has no path."""
        path = self._paths.get(id(layer))
        if path is None:
            return None
        number = self._calls[id(layer)]
        self._calls[id(layer)] += 1
        return CallPath(path, number)


@contextlib.contextmanager
def collect(
    layers: Mapping[str, keras.layers.Layer], change: Change
) -> Iterator[dict[str, Any]]:
    """Within the context, keep what layers give, by the name of the call.

    Args:
        layers: The layers by path, as `find` gives them.
        change: What is kept, from the call's name, the layer and its output.
    """
    names = CallNames(layers)
    kept: dict[str, Any] = {}

    def keep(layer: keras.layers.Layer, inputs: tuple, output: Any) -> None:
        if (name := names.next(layer)) is not None:
            kept[str(name)] = change(str(name), layer, output)

    with observe(keep):
        yield kept
