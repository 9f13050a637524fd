"""The arrays of each layer on the page, in blocks that are decoded on a click.

A block is a group of arrays. Blocks of a layer and an image hold the feature maps and
the numbers from which they are computed; blocks of a layer alone hold its kernels.
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

#: The slices to store per filter if there is no room for the whole kernel: of kernels
#: larger than 1 x 1, and of 1 x 1 kernels.
SLICES, SINGLE_WEIGHTS = 16, 64


class Blocks:
    """Collects the blocks of a model for some images.

    Args:
        entries: The rows.
        channels: For each row with feature maps, the channels to show.
        full: The rows whose input is stored, so that the page can compute each of their
            output pixels.

    Attributes:
        channels: As given.
        maps: For each image, the arrays of each row.
        kernels: The kernel arrays of each row.
        windows: How the output of each row is computed, if it is known and has been
            checked.
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
        """Run one more image through the model, and keep what the page shows of it."""
        rows: dict[str, Arrays] = {}
        number = len(self.maps)

        def see(call: Call) -> None:
            if call.path in self.channels:
                rows[call.path] = self._block(call, self._entries[call.path], number)

        run_image(model, image, see)
        self.maps.append(rows)

    def finish(self) -> None:
        """Drop the arithmetic of layers for which it was wrong on some image."""
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
        """Keep a layer's window and kernel, once for all images."""
        if call.path in self.windows:
            return
        full = call.path in self._full
        self.windows[call.path] = window.about() | {
            "full": full,
            "activation": activation_name(call.layer),
            # Other layers' weights, such as scales, make no meaningful picture.
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
    """Tell whether the page needs an activation's output, which it cannot compute."""
    name = activation_name(layer)
    return name is not None and name not in COMPUTED


def _slices(kernel: np.ndarray) -> Arrays:
    """Keep each filter's slices of largest norm: `(filters, inputs, height, width)`."""
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
        images: A batch of preprocessed images.
        entries: The rows.
        room: Bytes for the feature maps, and bytes for the numbers from which their
            pixels are computed.
    """
    channels = choose_channels(entries, len(images), room[0])
    shown = [entry for entry in entries if entry.path in channels]
    costs = {e.path: _cost(e, len(channels[e.path]), len(images)) for e in shown}
    # Prefer convolutions, whose filters are of most interest, and the first one most.
    filters = {e.path: has_kernels(e.layer) for e in shown}
    first = next((path for path in costs if filters[path]), None)
    order = sorted(costs, key=lambda p: (p != first, not filters[p], costs[p]))
    blocks = Blocks(entries, channels, choose_full(order, costs, room[1]))
    for image in images:
        blocks.add(model, image)
    blocks.finish()
    return blocks


def _cost(entry: Entry, kept: int, images: int) -> int:
    """Return the number of floats needed to compute each pixel of the kept channels."""
    cost = sum(
        math.prod(weight.shape[:-1]) * kept
        for weight in entry.layer.weights
        if len(weight.shape) > 1
    )
    cost += images * math.prod(entry.given or ())
    if stores_output(entry.layer):
        cost += images * entry.pixels * kept
    return cost
