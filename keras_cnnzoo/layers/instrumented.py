"""A convolution that can expose its feature maps, without cost while it does not."""

import contextlib
import contextvars
import math
from collections.abc import Iterator
from typing import Any, Literal, get_args

import keras
from keras import ops

from keras_cnnzoo.axes import spatial_axes
from keras_cnnzoo.call_path import CallPath
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer

Record = Literal["off", "stats", "maps"]
Maps = dict[str, Any]

_OPEN: contextvars.ContextVar[Maps | None] = contextvars.ContextVar("maps")


@contextlib.contextmanager
def record_maps() -> Iterator[Maps]:
    """Collect the outputs of every layer whose `record` is "maps".

    While the context is open, each call of such a layer adds an entry to the
    dictionary. The keys are the layers' paths; further calls of the same layer have
    `:1`, `:2` ... appended. In a compiled function, open the context inside that
    function and return the dictionary.

    Example:
        >>> conv = InstrumentedConv2D(4, 3, record="maps", name="conv")
        >>> with record_maps() as maps:
        ...     y = conv(keras.ops.ones((1, 8, 8, 3)))
        >>> {path: tuple(x.shape) for path, x in maps.items()}
        {'conv': (1, 6, 6, 4)}
    """
    maps: Maps = {}
    token = _OPEN.set(maps)
    try:
        yield maps
    finally:
        _OPEN.reset(token)


def _hand_over(layer: keras.layers.Layer, x: Any) -> None:
    maps = _OPEN.get(None)
    if maps is None:
        return
    calls = sum(CallPath.parse(name).layer == layer.path for name in maps)
    maps[str(CallPath(layer.path, calls))] = x


@register_layer
class InstrumentedConv2D(keras.layers.Conv2D):
    """A `keras.layers.Conv2D` that can expose its feature maps.

    Weights, output and positional arguments are the same as for `Conv2D`, so that
    either can replace the other, and weight files fit models with either. `record` may
    be set at any time, also in a trained model. In a compiled model use
    `keras_cnnzoo.inspect.set_record`, so that Keras traces the training step again.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the window; one int makes it square.
        *args: Further positional arguments of `keras.layers.Conv2D`: strides, padding
            and so on.
        record: What the layer records of its output.
            "off": nothing. The compiled graph is the same as for `Conv2D`.
            "stats": per-channel mean, variance, share of zeros and maximum over the
            calls so far, in `statistics`. They are also updated in a compiled `fit`.
            "maps": each call adds its output to the open `record_maps()`.
        momentum: Weight of the old value in a running statistic. The first calls are
            averaged evenly, so that the initial zeros have no influence.
        sample: Number of images at the start of each batch that "stats" uses, so that
            its cost does not grow with the batch size; None for all of them.
        **kwargs: Any other argument of `keras.layers.Conv2D`.

    Shape:
        As `keras.layers.Conv2D`.

    Raises:
        ValueError: `record` is not one of the three, `momentum` is not in 0..1 (1
            excluded), or `sample` is below 1.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        *args: Any,
        record: Record = "off",
        momentum: float = 0.9,
        sample: int | None = 8,
        **kwargs: Any,
    ) -> None:
        super().__init__(filters, kernel_size, *args, **kwargs)
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` is at least 0, below 1. Received: {momentum}")
        if sample is not None and sample < 1:
            raise ValueError(f"`sample` is at least 1, or None. Received: {sample}")
        self.momentum = momentum
        self.sample = sample
        self.statistics = ChannelStatistics(momentum, self.data_format)
        self.record = record

    @property
    def record(self) -> Record:
        """What the layer records of its output: "off", "stats" or "maps"."""
        return self._record

    @record.setter
    def record(self, mode: Record) -> None:
        if mode not in get_args(Record):
            raise ValueError(
                f"`record` is one of {get_args(Record)}. Received: {mode!r}"
            )
        self._record = mode
        self._start_statistics()

    def _start_statistics(self) -> None:
        if self.record == "stats" and self.built and not self.statistics.started:
            self.statistics.start(self.filters)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self._start_statistics()

    def call(self, inputs: Any) -> Any:
        maps = super().call(as_floats(inputs, self.compute_dtype))
        if self.record == "stats":
            self.statistics(maps if self.sample is None else maps[: self.sample])
        elif self.record == "maps":
            _hand_over(self, maps)
        return maps

    def get_config(self) -> dict[str, Any]:
        own = ("record", "momentum", "sample")
        return super().get_config() | {name: getattr(self, name) for name in own}

    def __repr__(self) -> str:
        return super().__repr__().replace("<Conv2D", "<InstrumentedConv2D", 1)


# Keras derives paths in weight files and names of unnamed layers from the class name.
# With Conv2D's name, weight files fit the same network with plain Conv2D layers.
InstrumentedConv2D.__name__ = keras.layers.Conv2D.__name__


class ChannelStatistics(keras.layers.Layer):
    """Running per-channel statistics of a feature map, as non-trainable weights.

    `mean`, `variance` and `zeros` (the share of exact zeros) are running averages,
    `maximum` is the largest value so far, and `calls` counts the calls.

    There are no weights before `start`. Keras forbids new weights in a layer that it
    has built, so this layer has no `build`. It sets `built` itself, since under JAX a
    model with an unbuilt layer first runs eagerly, at every call.
    """

    def __init__(self, momentum: float, data_format: str) -> None:
        super().__init__(name="statistics", dtype="float32")
        self.momentum = momentum
        self.axes = (0, *spatial_axes(data_format))
        self.started = False
        self.built = True

    def start(self, channels: int) -> None:
        """Create the weights, all zero."""

        def zeros(name: str, shape: tuple[int, ...] = (channels,)) -> Any:
            return self.add_weight(
                name=name, shape=shape, initializer="zeros", trainable=False
            )

        self.mean = zeros("mean")
        self.variance = zeros("variance")
        self.zeros = zeros("zeros")
        self.maximum = zeros("maximum")
        self.calls = zeros("calls", ())
        self.started = True

    def call(self, inputs: Any) -> Any:
        x = ops.stop_gradient(inputs)
        sizes = ops.shape(x)
        pixels = math.prod(sizes[axis] for axis in self.axes)
        if isinstance(pixels, int) and not pixels:
            return inputs  # An empty batch has no mean, and no maximum.
        mean = ops.mean(x, self.axes)
        # Outside of XLA, moments() takes twice as many passes over memory.
        variance = ops.maximum(ops.mean(ops.square(x), self.axes) - mean * mean, 0.0)
        zeros = ops.mean(ops.cast(ops.equal(x, 0.0), "float32"), self.axes)
        rate = ops.maximum(1.0 - self.momentum, 1.0 / (self.calls + 1.0))
        peak = ops.max(x, self.axes)
        first = ops.equal(self.calls, 0.0)
        new = (
            (self.mean, self.mean + rate * (mean - self.mean)),
            (self.variance, self.variance + rate * (variance - self.variance)),
            (self.zeros, self.zeros + rate * (zeros - self.zeros)),
            (self.maximum, ops.where(first, peak, ops.maximum(self.maximum, peak))),
            (self.calls, self.calls + 1.0),
        )
        for running, value in new:
            # In a TensorFlow graph, whether the batch is empty is known only at run
            # time.
            known = isinstance(pixels, int)
            running.assign(value if known else ops.where(pixels > 0, value, running))
        return inputs

    def reset(self) -> None:
        """Forget everything seen so far."""
        for weight in self.weights:
            weight.assign(ops.zeros(weight.shape))

    def numpy(self) -> dict[str, Any]:
        """Return the statistics as NumPy arrays by name."""
        return {w.name: ops.convert_to_numpy(w) for w in self.weights}

    def load_own_variables(self, store: Any) -> None:
        # Weights of a Conv2D, or saved while "off", hold no statistics: start fresh.
        if len(store.keys()) and not self.started:
            self.start(store["0"].shape[0])
        if len(store.keys()):
            super().load_own_variables(store)
