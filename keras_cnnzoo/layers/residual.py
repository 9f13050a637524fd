"""The residual block: a layer that adds a learned residual to its input."""

from collections.abc import Iterator
from typing import Any

import keras
from keras.saving import deserialize_keras_object
from keras.saving import serialize_keras_object as _serialize

from keras_cnnzoo.axes import channel_axis, standardize_data_format
from keras_cnnzoo.layers.composite import CompositeLayer, build_once
from keras_cnnzoo.layers.initializers import fresh
from keras_cnnzoo.layers.instrumented import InstrumentedConv2D, Record
from keras_cnnzoo.layers.pixels import as_floats
from keras_cnnzoo.layers.registry import register_layer
from keras_cnnzoo.layers.regularization import DropPath
from keras_cnnzoo.layers.residual_plan import (
    PLAIN,
    Shape,
    check_choices,
    gate_class,
    own_layers,
    plan,
)
from keras_cnnzoo.layers.shortcuts import choose, subsample


@register_layer
class ResidualBlock(CompositeLayer):
    """Return `activation(shortcut(x) + body(x))`, the block of the ResNet papers.

    The sub-layers are named `conv1`, `bn1`, `conv2`, ... in the body, and
    `shortcut_conv` and `shortcut_bn` in the shortcut; others are `gate`, `drop_path`.

    Args:
        filters: Output channels of the block. None with a `body` of your own.
        body: "basic", two 3x3 convolutions; "bottleneck", 1x1, 3x3, 1x1; or any
            layer or list of layers of your own.
        strides: Stride of the block in height and width.
        version: "v1", the first paper's: batch norm and activation after each
            convolution, and the stride of a bottleneck in its first 1x1. "v1.5", the
            same with the stride in the 3x3, as torchvision. "v2", the second paper's:
            batch norm and activation before each convolution, none after the sum.
        shortcut: "identity"; "projection", a 1x1 convolution (the paper's option C);
            "average", the same with 2x2 average pooling instead of a stride (ResNet-D);
            "pad", subsampling, with zeros for new channels (option A); or "auto", a
            projection if the shapes differ (option B). All but "projection" are the
            identity if the shapes agree.
        width: Channels inside the block. None takes `filters`, or a quarter of it in a
            bottleneck. A Wide ResNet's bottleneck has more.
        cardinality: Groups of the 3x3 convolution of a bottleneck (ResNeXt).
        activation: Any Keras activation; None for a linear block.
        gate: "se", "eca" or "cbam" attention, or any layer that keeps the shape.
        dropout: Dropout rate before the last convolution (Wide ResNet).
        drop_path: Probability that a sample skips the body (stochastic depth).
        zero_init: Whether the block starts as the identity: the body's last batch norm
            scale, in "v2" its last kernel, starts at zero.
        padding: Padding of a strided 3x3: "symmetric" as in PyTorch, or "same".
        use_bias, kernel_initializer: Arguments of the convolutions.
        bn_momentum, bn_epsilon: Momentum and epsilon of every batch norm.
        record: Mode of `InstrumentedConv2D` convolutions; None for plain `Conv2D`.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, height, width, channels)`, output `(batch,
        ceil(height / strides), ceil(width / strides), filters)`.

    Raises:
        ValueError: An argument is not one of its choices, or the outputs of shortcut
            and body differ in shape.

    Source:
        He et al., "Deep Residual Learning for Image Recognition", 2015, sections 3.3
        and 4.1; "Identity Mappings in Deep Residual Networks", 2016, section 4.

    Example:
        >>> block = ResidualBlock(128, strides=2)
        >>> block.compute_output_shape((None, 56, 56, 64))
        (None, 28, 28, 128)
    """

    def __init__(
        self,
        filters: int | None = None,
        body: Any = "basic",
        strides: int = 1,
        version: str = "v1.5",
        shortcut: str = "auto",
        width: int | None = None,
        cardinality: int = 1,
        activation: Any = "relu",
        gate: Any = None,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        zero_init: bool = False,
        padding: str = "symmetric",
        use_bias: bool = False,
        bn_momentum: float = 0.9,
        bn_epsilon: float = 1e-5,
        kernel_initializer: Any = "he_uniform",
        record: Record | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        # Keras saves a layer in two attributes under the first. A loaded block's body
        # is a list, so it must be a list from the start.
        self.body: Any = body if isinstance(body, str) else own_layers(body)
        self.strides = strides
        self.version = version
        self.shortcut = shortcut
        self.width = width
        self.cardinality = cardinality
        self.activation = keras.activations.get(activation)
        self.gate = gate
        self.dropout = dropout
        self.drop_path = drop_path
        self.zero_init = zero_init
        self.padding = padding
        self.use_bias = use_bias
        self.bn_momentum = bn_momentum
        self.bn_epsilon = bn_epsilon
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.data_format = standardize_data_format(data_format)
        self._axis = channel_axis(self.data_format)
        self._record = record
        self._depth, self._own_body = 0, own_layers(self.body)
        check_choices(self)
        if not self._own_body:
            self._make_body()
        if isinstance(gate, str):
            self._make("_gate", gate_class(gate), data_format=self.data_format)
        else:
            self._gate = gate
        # Layers without effect are left out, since making them takes time.
        self._dropout = self._drop_path = None
        if dropout:
            self._make("_dropout", keras.layers.Dropout, dropout)
        if drop_path:
            self._make("_drop_path", DropPath, drop_path)

    def _make_body(self) -> None:
        """Make `conv1`, `bn1`, `conv2`, ... of a basic or bottleneck body."""
        steps = plan(
            self.body,
            filters=self.filters,
            width=self.width,
            strides=self.strides,
            groups=self.cardinality,
            early=self.version == "v1",
        )
        self._depth = len(steps)
        for i, step in enumerate(steps, start=1):
            zero = self.zero_init and i == self._depth
            one_sided = 1 in (step.strides, step.kernel) or self.padding == "same"
            if not one_sided:
                pad = keras.layers.ZeroPadding2D
                self._make(f"pad{i}", pad, step.kernel // 2, self.data_format)
            self._conv(
                f"conv{i}",
                step.filters,
                step.kernel,
                strides=step.strides,
                padding="same" if one_sided else "valid",
                groups=step.groups,
                zero=zero and self.version == "v2",
            )
            self._bn(f"bn{i}", zero=zero and self.version != "v2")

    def _conv(
        self, name: str, filters: int, kernel: int, *, zero: bool = False, **kwargs: Any
    ) -> None:
        kwargs |= {
            "use_bias": self.use_bias,
            "kernel_initializer": "zeros" if zero else fresh(self.kernel_initializer),
            "data_format": self.data_format,
        }
        kind = keras.layers.Conv2D
        if self._record is not None:
            kind, kwargs = InstrumentedConv2D, kwargs | {"record": self._record}
        self._make(name, kind, filters, kernel, **kwargs)

    def _bn(self, name: str, *, zero: bool) -> None:
        self._make(
            name,
            keras.layers.BatchNormalization,
            self._axis,
            momentum=self.bn_momentum,
            epsilon=self.bn_epsilon,
            gamma_initializer="zeros" if zero else "ones",
        )

    def _steps(self) -> Iterator[tuple[Any, Any, Any]]:
        """Yield each step's padding layer (or None), convolution and batch norm."""
        for i in range(1, self._depth + 1):
            pad = getattr(self, f"pad{i}", None)
            yield pad, getattr(self, f"conv{i}"), getattr(self, f"bn{i}")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = tuple(input_shape)
        for pad, conv, bn in self._steps():
            before = shape
            if pad is not None:
                build_once(pad, shape)
                shape = pad.compute_output_shape(shape)
            build_once(conv, shape)
            shape = conv.compute_output_shape(shape)
            build_once(bn, before if self.version == "v2" else shape)
        for layer in (*self._own_body, self._gate, self._dropout, self._drop_path):
            if layer is not None:
                build_once(layer, shape)
                shape = layer.compute_output_shape(shape)
        self._build_shortcut(tuple(input_shape), tuple(shape))

    def _build_shortcut(self, arrives: Shape, wanted: tuple[Any, ...]) -> None:
        self._kind = choose(self.shortcut, arrives, wanted, self.strides, self._axis)
        self._channels = wanted[self._axis]
        if self._kind in ("average", "projection"):
            strides = 1 if self._kind == "average" else self.strides
            if self._kind == "average":
                # With "same", Keras averages only pixels inside the image, also at
                # borders.
                pool = keras.layers.AveragePooling2D
                at = {"padding": "same", "data_format": self.data_format}
                self._make("_shortcut_pool", pool, 2, self.strides, **at)
                build_once(self._shortcut_pool, arrives)
            self._conv("shortcut_conv", self._channels, 1, strides=strides)
            build_once(self.shortcut_conv, arrives)
            if self.version != "v2":
                self._bn("shortcut_bn", zero=False)
                build_once(self.shortcut_bn, wanted)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        inputs = as_floats(inputs, self.compute_dtype)
        x, entry = inputs, inputs
        for i, (pad, conv, bn) in enumerate(self._steps(), start=1):
            if self.version == "v2":
                x = self.activation(bn(x))
                entry = x if i == 1 else entry
            elif i > 1:
                x = self.activation(x)
            if self._dropout is not None and i == self._depth:
                x = self._dropout(x)
            x = conv(pad(x) if pad else x)
            x = x if self.version == "v2" else bn(x)
        for layer in (*self._own_body, self._gate, self._drop_path):
            if layer is not None:
                x = layer(x)
        x = self._carry(inputs, entry) + x
        return x if self.version == "v2" else self.activation(x)

    def _carry(self, inputs: Any, entry: Any) -> Any:
        if self._kind == "identity":
            return inputs
        if self._kind == "pad":
            return subsample(
                inputs, strides=self.strides, channels=self._channels, axis=self._axis
            )
        if self._kind == "average" and self.strides > 1:
            entry = self._shortcut_pool(entry)
        x = self.shortcut_conv(entry)
        return x if self.version == "v2" else self.shortcut_bn(x)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        shape = tuple(input_shape)
        for pad, conv, _ in self._steps():
            shape = pad.compute_output_shape(shape) if pad else shape
            shape = conv.compute_output_shape(shape)
        for layer in self._own_body:
            shape = layer.compute_output_shape(shape)
        return shape

    @property
    def record(self) -> Record | None:
        """What the convolutions record now; None for plain `Conv2D`."""
        return getattr(self.conv1, "record", None) if self._depth else self._record

    def get_config(self) -> dict[str, Any]:
        own = {
            "body": _serialize(self._own_body) if self._own_body else self.body,
            "gate": self.gate if isinstance(self.gate, str) else _serialize(self.gate),
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": _serialize(self.kernel_initializer),
            "record": self._record,
        }
        plain = {name: getattr(self, name) for name in PLAIN}
        return super().get_config() | plain | own

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ResidualBlock":
        config = dict(config)
        for name in ("body", "gate"):
            if not isinstance(config.get(name, ""), str):
                config[name] = deserialize_keras_object(config[name])
        return cls(**config)
