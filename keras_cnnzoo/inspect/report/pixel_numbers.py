"""The numbers from which the highest output pixel of each channel is computed."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_cnnzoo.inspect.report.layer_text import activation_name
from keras_cnnzoo.inspect.report.windows import Window

#: The input channels to show with their numbers: for larger windows, for 1 x 1 windows.
WINDOWS, SINGLES = 8, 24
#: Allowed difference from the network's output, as a share of the largest output.
TOLERANCE = 2e-3
#: Activations that the page computes itself; for others it stores the output.
COMPUTED = ("relu", "relu6", "sigmoid", "silu", "tanh")


@dataclass(frozen=True)
class Peaks:
    """How the highest output pixel of each channel is computed; one row per channel.

    Attributes:
        which: The input channels that contribute most, `(channels, n)`.
        window, kernel: Their windows and kernels, `(channels, n, height, width)`.
        rest: The contribution of all other input channels.
        bias: The bias.
        total: The sum of all contributions and the bias.
        output: The network's output.
    """

    which: np.ndarray
    window: np.ndarray
    kernel: np.ndarray
    rest: np.ndarray
    bias: np.ndarray
    total: np.ndarray
    output: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays, in the types that the page reads."""
        floats = ("window", "kernel", "rest", "bias", "total", "output")
        return {"which": self.which.astype("int32")} | {
            name: getattr(self, name).astype("float32") for name in floats
        }


def explain_peaks(
    window: Window,
    given: np.ndarray,
    maps: np.ndarray,
    channels: np.ndarray,
    places: np.ndarray,
) -> Peaks:
    """Compute one pixel of each given channel from its window, in double precision.

    Args:
        window: The layer's window.
        given: The layer's input, `(height, width, channels)`.
        maps: The layer's output.
        channels: The output channels.
        places: For each channel, the index of the pixel, counted row by row.
    """
    rows = [
        _explain(window, given, maps, int(c), divmod(int(p), maps.shape[1]))
        for c, p in zip(channels, places, strict=True)
    ]
    return Peaks(*(np.stack(column) for column in zip(*rows, strict=True)))


def _explain(
    window: Window,
    given: np.ndarray,
    maps: np.ndarray,
    channel: int,
    at: tuple[int, int],
) -> tuple[Any, ...]:
    """Return the values of one row of `Peaks`, in the order of its attributes."""
    sources = window.sources(channel, given.shape[-1], maps.shape[-1])
    cut = np.moveaxis(window.cut(given, at, sources), -1, 0).astype("float64")
    output = maps[at[0], at[1], channel]
    if window.rule == "max":
        none = np.zeros_like(cut[:1])
        return [sources.start], cut[:1], none, 0.0, 0.0, cut.max(), output
    assert window.kernel is not None  # windows with the rule "sum" have one
    kernel = np.moveaxis(window.kernel[..., channel], -1, 0).astype("float64")
    sums = (cut * kernel).sum(axis=(1, 2))
    bias = 0.0 if window.bias is None else float(window.bias[channel])
    limit = SINGLES if window.size == (1, 1) else WINDOWS
    most = np.argsort(-np.abs(sums), kind="stable")[:limit]
    return (
        most + sources.start,
        cut[most],
        kernel[most],
        sums.sum() - sums[most].sum(),
        bias,
        sums.sum() + bias,
        output,
    )


def holds(layer: keras.layers.Layer, peaks: Peaks) -> bool:
    """Tell whether the computed pixels equal the network's own, activation included.

    A subclass of a known layer may compute something else, and then the page must not
    show wrong numbers.
    """
    totals = peaks.total
    if activation_name(layer) == "softmax":
        return _is_softmax(totals, peaks.output)
    if activation_name(layer):
        tensor = keras.ops.convert_to_tensor(totals[None].astype("float32"))
        totals = keras.ops.convert_to_numpy(layer.activation(tensor))[0]
    largest = np.abs(peaks.output).max(initial=1e-6)
    return bool(np.abs(totals - peaks.output).max(initial=0) <= TOLERANCE * largest)


def _is_softmax(totals: np.ndarray, output: np.ndarray) -> bool:
    """Tell whether outputs are a softmax of totals, given only some of the classes.

    The denominator of the softmax is then unknown, but the same for all classes.
    """
    sure = output > 1e-6
    divisors = totals[sure] - np.log(output[sure], dtype="float64")
    return bool(np.ptp(divisors) <= TOLERANCE * max(1.0, np.abs(totals).max()))
