"""Read the outputs of any layers of any model in one compiled forward pass."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_cnnzoo.backend.forward import hand_over, settle
from keras_cnnzoo.inspect.hooks.inputs import check_batch
from keras_cnnzoo.inspect.hooks.map_pass import LOOKING, MapPass
from keras_cnnzoo.internals.mending import mended
from keras_cnnzoo.internals.retracing import traced_anew
from keras_cnnzoo.structure.paths import CONVOLUTION, Selection, find


def tap(
    model: keras.Model, layers: Selection = CONVOLUTION, *, keep: int | None = None
) -> "Tap":
    """Read the outputs of layers inside a model, without rebuilding or copying it.

    Call the result with images, as often as you like, to get the layers' outputs by
    path. They come from one compiled forward pass in inference mode. The model's state
    does not change, and later changes of its weights take effect. Outputs of the cells
    of recurrent layers, which run inside a loop, cannot be read; a warning names them.

    The result is also a context manager. Within the context, each forward pass of the
    model, by a call or in `fit`, `evaluate` and `predict`, records the layers' outputs
    for its own batch.

    Args:
        model: Any Keras model: Functional, Sequential, nested or subclassed. For the
            context manager, pass the model that you run, not a model inside it: the
            outer one may be compiled already, and then nothing is recorded.
        layers: The layers: a pattern of their names, or of paths if it contains a "/",
            a class, a layer, or a sequence of these. By default all convolutions.
        keep: For the context manager, how many of the latest forward passes to keep in
            memory; None keeps all.

    Returns:
        A function from images to `{path: array}`, in the order in which the layers
        are called. If a layer is called more than once, its further calls are at
        `path:1`, `path:2` and so on. The arrays are read-only. bfloat16 is converted to
        float32, since NumPy has no bfloat16. The context manager returns a list of such
        dictionaries, one per forward pass.

    Raises:
        ValueError: A part of `layers` matches nothing; the message suggests similar
            names. Or, when called, none of the layers takes part in the forward pass.

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
    """Reads the outputs of a model's layers; see `tap`."""

    def __init__(
        self,
        model: keras.Model,
        layers: dict[str, keras.layers.Layer],
        *,
        keep: int | None = None,
    ) -> None:
        if keep is not None and keep < 1:
            raise ValueError(f"`keep` is at least 1, or None for all. Received: {keep}")
        self.model = model
        self.layers = layers
        self.keep = keep
        self._pass = MapPass(model, layers)
        self._open: list[contextlib.AbstractContextManager[list[dict[str, Any]]]] = []

    def __repr__(self) -> str:
        return f"<tap of {self.model.name}: {', '.join(self.layers)}>"

    def __call__(self, images: Any) -> dict[str, Any]:
        """Return the layers' outputs for a batch of images, by path."""
        check_batch(self.model, images)
        return self._pass(images)

    def __enter__(self) -> list[dict[str, Any]]:
        self._open.append(self._watch())
        return self._open[-1].__enter__()

    def __exit__(self, *error: Any) -> bool | None:
        return self._open.pop().__exit__(*error)

    @contextlib.contextmanager
    def _watch(self) -> Iterator[list[dict[str, Any]]]:
        seen: list[dict[str, Any]] = []
        plain = self.model.call
        watching = True

        def call(*args: Any, **kwargs: Any) -> Any:
            if LOOKING.get():
                return plain(*args, **kwargs)
            with self._pass.collect() as kept:
                output = plain(*args, **kwargs)
            outputs = list(kept.values())
            paths = list(kept)
            structure = keras.tree.map_structure(lambda tensor: 0, outputs)

            def receive(arrays: list[Any]) -> None:
                if not watching:
                    return  # An outer model that was traced within the context.
                maps = keras.tree.pack_sequence_as(structure, arrays)
                seen.append(dict(zip(paths, maps, strict=True)))
                if self.keep is not None:
                    del seen[: -self.keep]

            hand_over(keras.tree.flatten(outputs), receive)
            return output

        with (
            mended(self.model),
            traced_anew(self.model),
            _exchanged(self.model, call),
        ):
            try:
                yield seen
            finally:
                settle()
                watching = False


@contextlib.contextmanager
def _exchanged(model: keras.Model, call: Callable[..., Any]) -> Iterator[None]:
    """Within the context, have a model run `call` as its forward pass."""
    own = vars(model).get("call")
    model.call = call
    try:
        yield
    finally:
        del model.call
        if own is not None:
            model.call = own
