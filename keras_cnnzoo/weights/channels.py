"""Adapt weights to a model's number of input channels, and set its normalisation."""

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

#: The most input channels that a source may have.
_MOST = 64
#: A kernel's axis of input channels, by layout.
_INPUTS = {"keras": 2, "torch": 1, "tflite": 3}


@dataclass(frozen=True)
class Normalization:
    """A model's normalisation layer; `layer` is None if the model has none."""

    layer: ColorNormalization | None

    @classmethod
    def of(cls, model: keras.Model) -> "Normalization":
        """Find the normalisation layer of a model."""
        found = (x for x in model.layers if isinstance(x, ColorNormalization))
        return cls(next(found, None))

    @property
    def paths(self) -> set[str]:
        """The paths of the layer's two constants; empty without a layer."""
        return {w.path for w in self.layer.weights} if self.layer else set()

    def constants(self, seen: Preprocessing | Colors) -> dict[str, np.ndarray]:
        """Return the values of the layer's constants for a normalisation, by path."""
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
    """Adapt the kernels applied to the image, and the normalisation before them.

    Args:
        model: The model that is loaded into.
        there: The source's arrays, by the paths of our variables.
        unfit: Paths of our variables whose array in the source has another shape.
        kind: The source's layout of arrays.
        preprocessing: How the source's images were normalised; None takes the
            source's own constants or, if it has none, the card's.
        flattened: For the kernel of each dense layer after a `Flatten`, the shape of
            the feature map that was flattened.

    Returns:
        Values by path; empty if no kernel differs in its input channels alone.
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
    """Read a kernel that differs from ours only in the number of input channels.

    Returns:
        The kernel, `(height, width, channels, filters)`, or None if it differs in
        more.
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
    """Return the normalisation that a source of `depth` input channels expects."""
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
