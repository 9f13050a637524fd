"""A model's own normalisation, and sources of another number of input channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_cnnzoo.axes import channels
from keras_cnnzoo.cards import Preprocessing
from keras_cnnzoo.layers import ColorNormalization
from keras_cnnzoo.registry import card
from keras_cnnzoo.weights import layout
from keras_cnnzoo.weights.identity import zoo_name
from keras_cnnzoo.weights.stem import Colors, adapt
from keras_cnnzoo.weights.stored import Stored

#: Channels that the images of a source may have.
_MOST = 64
#: The axis that a kernel has its input channels on, by layout.
_INPUTS = {"keras": 2, "torch": 1, "tflite": 3}


@dataclass(frozen=True)
class Normalization:
    """The layer that a model begins with, if it does."""

    layer: ColorNormalization | None

    @classmethod
    def of(cls, model: keras.Model) -> "Normalization":
        """Find it."""
        found = (x for x in model.layers if isinstance(x, ColorNormalization))
        return cls(next(found, None))

    @property
    def paths(self) -> set[str]:
        """The paths of its two constants; none where there is no layer."""
        return {w.path for w in self.layer.weights} if self.layer else set()

    def constants(self, seen: Preprocessing | Colors) -> dict[str, np.ndarray]:
        """Return values for its constants by path."""
        if self.layer is None:
            return {}
        if isinstance(seen, Preprocessing):
            seen = Colors(*seen.affine(self.layer.offset.shape[0]))
        layer = self.layer
        return {layer.matrix.path: seen.matrix, layer.offset.path: seen.offset}


def adapted(
    model: keras.Model,
    there: Mapping[str, Stored],
    unfit: Sequence[str],
    kind: str,
    preprocessing: Preprocessing | None,
    flattened: Mapping[str, tuple[int, ...]],
) -> dict[str, np.ndarray]:
    """Adapt the kernels that see the image, and the normalisation with them.

    Args:
        model: The model to be loaded.
        there: What the source has for our variables, by their paths.
        unfit: Those of our variables whose array there has another shape.
        kind: The source's layout of arrays.
        preprocessing: How the source's images were normalised; None as the source
            itself holds it, or else the card.
        flattened: The map's shape for the kernel of each dense layer behind a
            flattening.

    Returns:
        Values by path; none where no kernel differs in its input channels alone.
    """
    normalization = Normalization.of(model)
    layer = normalization.layer
    wanted = layer.offset.shape[0] if layer else channels(model.input)
    shapes = {v.path: tuple(v.shape) for v in model.weights}
    kernels = {}
    for path in unfit:
        kernel = _kernel(there[path], shapes[path], kind, wanted, flattened.get(path))
        if kernel is not None:
            kernels[path] = kernel
    depths = {kernel.shape[2] for kernel in kernels.values()}
    if len(depths) != 1:
        return {}
    colors = _colors_there(model, there, depths.pop(), preprocessing)
    ours, share = adapt(colors, wanted)
    return normalization.constants(ours) | {
        path: np.einsum("hwio,ij->hwjo", kernel, share).reshape(shapes[path])
        for path, kernel in kernels.items()
    }


def _kernel(
    stored: Stored,
    shape: tuple[int, ...],
    kind: str,
    wanted: int,
    flattened: tuple[int, ...] | None,
) -> np.ndarray | None:
    """Read a kernel that differs from ours in its input channels alone, else None.

    It comes as `(height, width, channels, filters)`.
    """
    if flattened is not None and flattened[2] == wanted:  # a dense layer on the image
        height, width, _ = flattened
        depth, rest = divmod(stored.size, height * width * shape[-1])
        if rest or not 0 < depth <= _MOST:
            return None
        rows = (height * width * depth, shape[-1])
        near = (height, width, depth)
        found = layout.fit(stored.read(), rows, layout=kind, flattened=near)
        return None if found is None else found.reshape(*near, shape[-1])
    if len(shape) != 4 or shape[2] != wanted or len(stored.shape) != 4:
        return None
    if stored.shape[_INPUTS[kind]] > _MOST:
        return None
    kernel = layout.imported(stored.read(), shape, layout=kind)
    alike = (*kernel.shape[:2], kernel.shape[3]) == (*shape[:2], shape[3])
    return kernel if alike else None


def _colors_there(
    model: keras.Model,
    there: Mapping[str, Stored],
    depth: int,
    preprocessing: Preprocessing | None,
) -> Colors:
    """Return what a source does to the pixels of its `depth` channels."""
    layer = Normalization.of(model).layer
    if layer is None:
        return Colors.none(depth)
    own = [there.get(path) for path in (layer.matrix.path, layer.offset.path)]
    shapes = [stored.shape for stored in own if stored]
    if preprocessing is None and shapes == [(depth, depth), (depth,)]:
        return Colors(*(stored.read() for stored in own if stored))
    name = zoo_name(model)
    if preprocessing is None and name is not None:
        preprocessing = card(name).preprocessing
    return Colors(*(preprocessing or Preprocessing()).affine(depth))
