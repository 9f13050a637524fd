"""The maps of any layers of any model, out of one compiled forward pass."""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_cnnzoo.backend.forward import (
    compiled,
    hand_over,
    settle,
    to_numpy,
    traced_anew,
)
from keras_cnnzoo.backend.heap import keep_while
from keras_cnnzoo.inspect.trace.call_names import Change, call_numbers, collect
from keras_cnnzoo.structure.paths import CONVOLUTION, Selection, find

#: Whether the pass that runs is one of a tap's own, of no concern to open contexts.
_LOOKING = contextvars.ContextVar("looking", default=False)


def tap(
    model: keras.Model, layers: Selection = CONVOLUTION, *, keep: int | None = None
) -> "Tap":
    """Look at what layers inside a model give, without rebuilding or copying it.

    What comes back is called with images, as often as you like, and answers with the
    layers' outputs by path, from one compiled forward pass in inference mode. The
    model keeps its state, and weights that change later are seen. From the second call
    on, memory that maps leave serves the next ones, as long as the tap lives: on Linux,
    JAX and PyTorch would give it back and ask for it anew at each pass.

    It is a context manager too. Within it, each forward pass of the model, called or
    in `fit`, `evaluate` and `predict`, hands over its maps as it runs, in training
    with the training batch's own.

    Args:
        model: Any Keras model: Functional, Sequential, nested or subclassed. As a
            context manager, the one that is run: a model around it may have been
            compiled before, and would show nothing.
        layers: Which layers: a pattern of their names, or of paths where it has a "/",
            a class, a layer, or a sequence of these. By default all convolutions.
        keep: As a context manager, how many of the latest passes are held in memory;
            None for all of them.

    Returns:
        A function from images to `{path: array}`, in the order in which the layers
        are called; a layer that is called again appears as `path:1`, `path:2` and so
        on. The arrays are read-only, and bfloat16 comes as float32, since NumPy has
        none. As a context manager, it gives a list of such dictionaries, one a pass.

    Raises:
        ValueError: A part of `layers` matches nothing; the message offers the nearest
            names. Or, when called, none of the layers takes part in the pass.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(
        ...     2, 3, name="conv"), keras.layers.GlobalMaxPooling2D()])
        >>> images = keras.ops.ones((4, 8, 8, 1))
        >>> {path: maps.shape for path, maps in tap(model)(images).items()}
        {'conv': (4, 6, 6, 2)}
        >>> with tap(model, "conv", keep=1) as seen:
        ...     answers = model.predict(images, batch_size=2, verbose=0)
        >>> [maps["conv"].shape for maps in seen]
        [(2, 6, 6, 2)]
    """
    return Tap(model, find(model, layers), keep=keep)


class Tap:
    """Layers of a model under observation; see `tap`."""

    def __init__(
        self,
        model: keras.Model,
        layers: dict[str, keras.layers.Layer],
        *,
        keep: int | None = None,
        change: Change | None = None,
    ) -> None:
        if keep is not None and keep < 1:
            raise ValueError(f"`keep` is at least 1, or None for all. Received: {keep}")
        self.model = model
        self.layers = layers
        self.keep = keep
        self._change = change or _as_numpy_can
        self._numbers = call_numbers(model)
        self._order: dict[str, None] = {}
        self._open: list[contextlib.AbstractContextManager] = []
        self._run: Callable | None = None

    def __repr__(self) -> str:
        return f"<tap of {self.model.name}: {', '.join(self.layers)}>"

    def __call__(self, images: Any) -> dict[str, Any]:
        if not self.model.built:
            self.model(keras.tree.map_structure(lambda x: x[:1], images))
        if self._run is None:
            self._run = compiled(self.model, self._forward)
        elif keras.backend.backend() != "tensorflow":  # which keeps memory by itself
            keep_while(self)
        found = self._run(images)
        # JAX sorts dictionaries.
        return {
            path: keras.tree.map_structure(to_numpy, found[path])
            for path in self._order
            if path in found
        }

    def _forward(self, images):
        token = _LOOKING.set(True)
        try:
            with self._collect() as kept:
                self.model(images, training=False)
        finally:
            _LOOKING.reset(token)
        return kept

    @contextlib.contextmanager
    def _collect(self) -> Iterator[dict[str, Any]]:
        with collect(self.layers, self._change, self._numbers) as kept:
            yield kept
        if not kept:
            raise ValueError(
                f"None of these layers of {self.model.name!r} takes part in its "
                f"forward pass: {', '.join(self.layers)}."
            )
        self._order |= dict.fromkeys(kept)

    def __enter__(self) -> list[dict[str, Any]]:
        self._open.append(self._watch())
        return self._open[-1].__enter__()

    def __exit__(self, *error) -> bool | None:
        return self._open.pop().__exit__(*error)

    @contextlib.contextmanager
    def _watch(self) -> Iterator[list[dict[str, Any]]]:
        seen: list[dict[str, Any]] = []
        plain = self.model.call
        watching = True

        def call(*args, **kwargs):
            if _LOOKING.get():
                return plain(*args, **kwargs)
            with self._collect() as kept:
                output = plain(*args, **kwargs)
            outputs = list(kept.values())
            paths = list(kept)
            structure = keras.tree.map_structure(lambda tensor: 0, outputs)

            def receive(arrays):
                if not watching:
                    return  # Of a model around, which was traced within the context.
                maps = keras.tree.pack_sequence_as(structure, arrays)
                seen.append(dict(zip(paths, maps, strict=True)))
                if self.keep is not None:
                    del seen[: -self.keep]

            hand_over(keras.tree.flatten(outputs), receive)
            return output

        with traced_anew(self.model), _exchanged(self.model, call):
            try:
                yield seen
            finally:
                settle()
                watching = False


@contextlib.contextmanager
def _exchanged(model: keras.Model, call: Callable) -> Iterator[None]:
    """Have a model run `call` as its forward pass."""
    own = vars(model).get("call")
    model.call = call
    try:
        yield
    finally:
        del model.call
        if own is not None:
            model.call = own


def _as_numpy_can(path: str, layer: keras.layers.Layer, output: Any) -> Any:
    def cast(tensor):
        if keras.backend.standardize_dtype(tensor.dtype) == "bfloat16":
            return keras.ops.cast(tensor, "float32")
        return tensor

    return keras.tree.map_structure(cast, output)
