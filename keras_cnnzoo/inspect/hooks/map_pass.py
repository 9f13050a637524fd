"""A forward pass of a model that returns the outputs of some of its layers."""

import contextlib
import contextvars
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras

from keras_cnnzoo.backend.forward import compiled, to_numpy
from keras_cnnzoo.call_path import CallPath
from keras_cnnzoo.inspect.hooks.loops import LoopGuard, reasons, warn_of_hidden
from keras_cnnzoo.inspect.trace.call_names import Change, call_numbers, collect
from keras_cnnzoo.structure.paths import layer_paths

#: Whether the running forward pass is a tap's own, which open contexts must ignore.
LOOKING = contextvars.ContextVar("looking", default=False)
_HIDDEN = object()


class MapPass:
    """A compiled forward pass; it does not keep the model alive.

    Args:
        model: The model.
        layers: The layers whose outputs are returned, by path.
        change: Computes the returned value from each output, on the device; None
            returns the outputs.
    """

    def __init__(
        self,
        model: keras.Model,
        layers: Mapping[str, keras.layers.Layer],
        change: Change | None = None,
    ) -> None:
        self._model = weakref.ref(model)
        self._layers = {path: weakref.ref(layer) for path, layer in layers.items()}
        self._change = change or as_numpy_can
        self._order: dict[str, None] = {}
        self._hidden: set[str] = set()
        self._run: Callable[..., dict[str, Any]] | None = None
        self._of_model: tuple[Any, LoopGuard] | None = None

    @property
    def model(self) -> keras.Model:
        """The model."""
        model = self._model()
        assert model is not None
        return model

    def __call__(self, images: Any) -> dict[str, Any]:
        """Return the layers' outputs for a batch, by the name of the call."""
        model = self.model
        if not model.built:
            model(keras.tree.map_structure(lambda x: x[:1], images))
        if self._run is None:
            self._run = compiled(model, self._forward)
        found = self._run(images)
        # JAX sorts dictionaries, so restore the order of the calls.
        return {
            path: keras.tree.map_structure(to_numpy, found[path])
            for path in self._order
            if path in found
        }

    def _forward(self, images: Any) -> dict[str, Any]:
        with _looking(), self.collect() as kept:
            self.model(images, training=False)
        return kept

    @contextlib.contextmanager
    def collect(self) -> Iterator[dict[str, Any]]:
        """Collect the layers' outputs while the model runs within the context."""
        if self._of_model is None:
            guard = LoopGuard(layer_paths(self.model))
            with _looking():
                self._of_model = call_numbers(self.model), guard
        numbers, guard = self._of_model
        guard.begin()

        def change(name: str, layer: keras.layers.Layer, output: Any) -> Any:
            hidden = guard.hides(layer)
            return _HIDDEN if hidden else self._change(name, layer, output)

        found = {path: layer() for path, layer in self._layers.items()}
        layers = {path: layer for path, layer in found.items() if layer is not None}
        with collect(layers, change, numbers) as kept:
            yield kept
        hidden = [name for name, output in kept.items() if output is _HIDDEN]
        for name in hidden:
            del kept[name]
        # A backend may run a recurrent layer as a whole, without calling its cell.
        cells = guard.cells_of(layers)
        self._tell(
            kept, dict.fromkeys([*cells, *(CallPath.parse(n).layer for n in hidden)])
        )
        self._order |= dict.fromkeys(kept)

    def _tell(self, kept: dict[str, Any], hidden: dict[str, None]) -> None:
        """Warn once of outputs that cannot be read; raise if there are no others."""
        if not kept:
            what, why = "takes part in its forward pass", ""
            if hidden:
                what = "can be seen, since they run inside a loop"
                why = f" {reasons(self.model, hidden)}"
            raise ValueError(
                f"None of these layers of {self.model.name!r} {what}: "
                f"{', '.join(self._layers)}.{why}"
            )
        if new := [path for path in hidden if path not in self._hidden]:
            self._hidden |= set(new)
            warn_of_hidden(self.model, new, stacklevel=4)


@contextlib.contextmanager
def _looking() -> Iterator[None]:
    """Have open tap contexts ignore the model's calls within this context."""
    token = LOOKING.set(True)
    try:
        yield
    finally:
        LOOKING.reset(token)


def as_numpy_can(path: str, layer: keras.layers.Layer, output: Any) -> Any:
    """Cast a layer's bfloat16 outputs to float32, since NumPy has no bfloat16."""

    def cast(tensor: Any) -> Any:
        if keras.backend.standardize_dtype(tensor.dtype) == "bfloat16":
            return keras.ops.cast(tensor, "float32")
        return tensor

    return keras.tree.map_structure(cast, output)
