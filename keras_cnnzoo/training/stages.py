"""The stages of any network, from its stem to its head."""

import itertools
import re

import keras

from keras_cnnzoo.axes import spatial_axes
from keras_cnnzoo.structure.shapes import data_format
from keras_cnnzoo.training.order import Path, weighted_paths

#: What the name of a layer begins with, in the networks of this package.
NAMED = re.compile(r"stem|stage\d+")
#: A stage begins where the resolution falls to this fraction or less.
LOWER = 2 / 3


def stages(model: keras.Model) -> list[list[Path]]:
    """Return the layers with weights that train, by stage, from the stem to the head.

    The head, the last layer with weights, is the last stage. `layer_rates` says what
    the others are. Layers before the first stage, which have no such name, belong to
    it.

    Args:
        model: Any built Functional or Sequential model.

    Returns:
        For each stage the paths of its layers; a block is one layer.

    Raises:
        ValueError: The model has no weights.
    """
    *body, head = weighted_paths(model)
    # A frozen layer may train later; constants of a layer that is not frozen never do.
    body = [p for p in body if p[-1].trainable_weights or not p[-1].trainable]
    form = data_format(model)
    names = [_name(path) for path in body]
    sizes = [_size(path[-1], form) for path in body]
    named = set(names) - {None, "stem"}
    begins = _by_name(names) if named else _by_resolution(sizes)
    last_map = max((i for i, size in enumerate(sizes) if size is not None), default=-1)
    found: list[list[Path]] = []
    for place, path in enumerate(body):
        dense = place > last_map and hasattr(path[-1], "kernel")
        if begins[place] or dense or not found:
            found.append([])
        found[-1].append(path)
    return [*found, [head]]


def _name(path: Path) -> str | None:
    """Return the stage that the name of a layer says."""
    matched = NAMED.match(path[-1].name)
    return matched[0] if matched else None


def _by_name(names: list[str | None]) -> list[bool]:
    """Tell which layers begin a stage: the first layer of each name but the first."""
    known = list(dict.fromkeys(name for name in names if name))
    starts = {names.index(name) for name in known[1:]}
    return [place in starts for place in range(len(names))]


def _by_resolution(sizes: list[int | None]) -> list[bool]:
    """Tell which layers begin a stage: where the resolution is lower from there on."""
    # Gates and branches that work at a lower resolution for a while begin no stage.
    ahead = list(itertools.accumulate((size or 0 for size in reversed(sizes)), max))
    begins, start = [], 0
    for size in reversed(ahead):
        begins.append(0 < size <= LOWER * start)
        if begins[-1] or not start:
            start = size
    return begins


def _size(layer: keras.layers.Layer, form: str) -> int | None:
    """Return the larger side of a layer's feature map, 0 if it is unknown.

    None if the layer's output is no map.
    """
    output = getattr(layer, "output", None)
    if not isinstance(output, keras.KerasTensor) or len(output.shape) < 3:
        return None
    return max(output.shape[a] or 0 for a in spatial_axes(form, len(output.shape)))
