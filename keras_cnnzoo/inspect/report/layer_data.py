"""The arrays of each layer on the page, packed so that a click unpacks them.

A block is the text of some arrays. Blocks of a layer and an image hold its maps and
the numbers behind them; blocks of a layer alone hold its kernels.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.inspect.report.array_text import quantise
from keras_cnnzoo.inspect.report.layer_outputs import Call, run_image
from keras_cnnzoo.inspect.report.layer_text import activation_name
from keras_cnnzoo.inspect.report.pixel_numbers import (
    COMPUTED,
    Peaks,
    explain_peaks,
    holds,
)
from keras_cnnzoo.inspect.report.rows import Entry
from keras_cnnzoo.inspect.report.size_limit import choose_channels, choose_full
from keras_cnnzoo.inspect.report.windows import Window, find_window
from keras_cnnzoo.structure.kernels import has_kernels

Arrays = dict[str, np.ndarray]

#: Kernel slices that are stored of each filter where the whole kernel is not.
SLICES, SINGLE_WEIGHTS = 16, 64


class Blocks:
    """Collect the blocks of a model and some images.

    Args:
        entries: The rows.
        channels: Of each row with maps, the channels that are shown.
        full: Rows whose input is stored, so that each of their pixels can be computed.

    Attributes:
        channels: As given.
        maps: For each image, the arrays of each row.
        kernels: The arrays of each row.
        windows: How each row computes, as far as that is known and was found to be so.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        channels: Mapping[str, np.ndarray],
        full: set[str],
    ) -> None:
        self._entries = {entry.path: entry for entry in entries}
        self.channels = channels
        self._full = full
        self.maps: list[dict[str, Arrays]] = []
        self.kernels: dict[str, Arrays] = {}
        self.windows: dict[str, dict[str, Any]] = {}
        self._wrong: set[str] = set()

    def add(self, model: keras.Model, image: np.ndarray) -> None:
        """Run one more image through the model, and keep what is shown of it."""
        rows: dict[str, Arrays] = {}
        number = len(self.maps)

        def see(call: Call) -> None:
            if call.path in self.channels:
                rows[call.path] = self._block(call, self._entries[call.path], number)

        run_image(model, image, see)
        self.maps.append(rows)

    def finish(self) -> None:
        """Drop the arithmetic of layers where it did not hold for every image."""
        for path in self._wrong:
            self.windows.pop(path, None)
            self.kernels.pop(path, None)
            for rows in self.maps:
                names = ("given", "output", *Peaks.__dataclass_fields__)
                rows[path] = {n: a for n, a in rows[path].items() if n not in names}

    def _block(self, call: Call, entry: Entry, number: int) -> Arrays:
        channels, seen = self.channels[call.path], entry.seen[number]
        maps = call.map
        assert maps is not None
        levels, ranges = quantise(maps[..., channels])
        arrays = {
            "maps": levels,
            "range": ranges,
            "mean": seen.mean[channels].astype("float32"),
            "zeros": seen.zeros[channels].astype("float32"),
            "place": seen.place[channels],
        }
        given = call.given
        if given is None or call.path in self._wrong:
            return arrays
        window = find_window(call.layer, given)
        if window is None:
            return arrays
        peaks = explain_peaks(window, given, maps, channels, seen.place[channels])
        if not holds(call.layer, peaks):
            self._wrong.add(call.path)
            return arrays
        self._keep(call, window, channels)
        if call.path not in self._full:
            return arrays | peaks.arrays()
        arrays["given"] = given
        if stores_output(call.layer):
            arrays["output"] = np.moveaxis(maps[..., channels], -1, 0)
        return arrays

    def _keep(self, call: Call, window: Window, channels: np.ndarray) -> None:
        """Keep how a layer computes, and its kernel, once for all images."""
        if call.path in self.windows:
            return
        full = call.path in self._full
        self.windows[call.path] = window.about() | {
            "full": full,
            "activation": activation_name(call.layer),
            # What a layer of any other kind is multiplied with is no picture.
            "filters": has_kernels(call.layer),
        }
        if window.kernel is None:
            return
        kernel = np.moveaxis(window.kernel[..., channels], -1, 0)
        if full:
            arrays = {"kernel": kernel.astype("float32")}
            if window.bias is not None:
                arrays["bias"] = window.bias[channels]
        else:
            arrays = _slices(np.moveaxis(kernel, -1, 1))
        self.kernels[call.path] = arrays


def stores_output(layer: keras.layers.Layer) -> bool:
    """Tell whether the page needs what an activation gave, beside its input."""
    name = activation_name(layer)
    return name is not None and name not in COMPUTED


def _slices(kernel: np.ndarray) -> Arrays:
    """Keep the largest slices of each filter, `(filters, inputs, height, width)`."""
    single = kernel.shape[2:] == (1, 1)
    norms = np.sqrt(np.square(kernel).sum(axis=(2, 3)))
    most = np.argsort(-norms, axis=1, kind="stable")
    most = most[:, : SINGLE_WEIGHTS if single else SLICES]
    slices = np.take_along_axis(kernel, most[..., None, None], axis=1)
    scale = np.maximum(np.abs(slices).max(axis=(1, 2, 3)), 1e-12)
    levels = np.rint(slices / scale[:, None, None, None] * 127)
    return {
        "slices": levels.astype("int8"),
        "scale": scale.astype("float32"),
        "inputs": most.astype("uint16"),
    }


def fill(
    model: keras.Model,
    images: np.ndarray,
    entries: Sequence[Entry],
    room: Sequence[float],
) -> Blocks:
    """Run the images through the model, and keep as much as there is room for.

    Args:
        model: The model.
        images: A batch, as it takes them.
        entries: The rows.
        room: Bytes for the maps, and for the numbers behind their pixels.
    """
    channels = choose_channels(entries, len(images), room[0])
    shown = [entry for entry in entries if entry.path in channels]
    costs = {e.path: _cost(e, len(channels[e.path]), len(images)) for e in shown}
    # Filters are what one wants to see at work; the first ones most.
    filters = {e.path: has_kernels(e.layer) for e in shown}
    first = next((path for path in costs if filters[path]), None)
    order = sorted(costs, key=lambda p: (p != first, not filters[p], costs[p]))
    blocks = Blocks(entries, channels, choose_full(order, costs, room[1]))
    for image in images:
        blocks.add(model, image)
    blocks.finish()
    return blocks


def _cost(entry: Entry, kept: int, images: int) -> int:
    """Return how many floats it takes to compute every pixel of the kept channels."""
    cost = sum(
        math.prod(weight.shape[:-1]) * kept
        for weight in entry.layer.weights
        if len(weight.shape) > 1
    )
    cost += images * math.prod(entry.given or ())
    if stores_output(entry.layer):
        cost += images * entry.pixels * kept
    return cost
