"""Global pooling to one value per channel: Lp norms and generalised means."""

import math
from typing import Any

import keras
from keras import ops

from keras_cnnzoo.axes import spatial_axes, standardize_data_format
from keras_cnnzoo.layers import power
from keras_cnnzoo.layers.checks import check_choice, check_order
from keras_cnnzoo.layers.pooling import Reduction
from keras_cnnzoo.layers.registry import register_layer
from keras_cnnzoo.layers.stateless import is_stateless


class _GlobalPooling(keras.layers.Layer):
    rank: int

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        # `call` casts the input to float32; autocast would lose precision before that.
        super().__init__(autocast=False, **kwargs)
        self.data_format = standardize_data_format(data_format)
        self.keepdims = keepdims
        self._axes = spatial_axes(self.data_format, self.rank + 2)
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2)

    def pool(self, x: Any) -> Any:
        """Reduce `x`, at least float32, over `self._axes`, which keep size 1."""
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        y = self.pool(power.widen(inputs))
        y = y if self.keepdims else ops.squeeze(y, self._axes)
        return ops.cast(y, self.compute_dtype)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        sizes = enumerate(input_shape)
        if self.keepdims:
            return tuple(1 if axis in self._axes else n for axis, n in sizes)
        return tuple(n for axis, n in sizes if axis not in self._axes)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "data_format": self.data_format,
            "keepdims": self.keepdims,
        }


class _GlobalLpPooling(_GlobalPooling):
    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        *,
        p: float = 2.0,
        reduction: Reduction = "sum",
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self.p = check_order(p)
        self.reduction = check_choice("reduction", reduction, ("sum", "mean"))
        self.built = is_stateless(self)

    def pool(self, x: Any) -> Any:
        if self.p == math.inf:
            return ops.max(power.magnitude(x), self._axes, keepdims=True)
        reduce = ops.sum if self.reduction == "sum" else ops.mean
        return power.lp_norm(
            x, self.p, lambda v: reduce(v, self._axes, keepdims=True), self._axes
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"p": self.p, "reduction": self.reduction}


@register_layer
class GlobalLpPooling2D(_GlobalLpPooling):
    """Reduce each channel to the p-norm of its values: `LpPooling2D` with one window.

    Args:
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        keepdims: Whether height and width are kept as axes of size 1.
        p: Order of the norm, at least 1; `math.inf` gives the largest magnitude.
        reduction: "sum", or "mean" for the power mean, which does not grow with the
            size of the feature map.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, height, width, channels)`, output `(batch, channels)`;
        channels second under "channels_first". The output has the layer's compute
        dtype.

    Raises:
        ValueError: An argument is out of range.

    Example:
        >>> x = keras.ops.reshape([3.0, -4.0], (1, 1, 2, 1))
        >>> float(GlobalLpPooling2D()(x)[0, 0])
        5.0
    """

    rank = 2


@register_layer
class GlobalLpPooling1D(_GlobalLpPooling):
    """Reduce each channel of a sequence to its p-norm.

    Takes the arguments of `GlobalLpPooling2D`.

    Shape:
        Input `(batch, steps, channels)`, output `(batch, channels)`; channels second
        under "channels_first".
    """

    rank = 1


@register_layer
class GlobalLpPooling3D(_GlobalLpPooling):
    """Reduce each channel of a volume to its p-norm.

    Takes the arguments of `GlobalLpPooling2D`.

    Shape:
        Input `(batch, depth, height, width, channels)`, output `(batch, channels)`;
        channels second under "channels_first".
    """

    rank = 3


@register_layer
class GlobalGeMPooling2D(_GlobalPooling):
    """Reduce each channel to its generalised mean, `mean(x ** p) ** (1 / p)`.

    `p` is trainable and shared by all channels. `p=1` is average pooling, and a large
    `p` comes close to max pooling. Common in image retrieval, and also used in
    classifiers.

    Args:
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        keepdims: Whether height and width are kept as axes of size 1.
        p: Initial value of the exponent, above 0.
        epsilon: Lower bound of the inputs, since powers of negative values may not
            exist. Inputs below it are clipped and have no gradient.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, height, width, channels)`, output `(batch, channels)`;
        channels second under "channels_first". The output has the layer's compute
        dtype.

    Raises:
        ValueError: `p` or `epsilon` is not a positive number.

    Source:
        Radenović, Tolias and Chum, "Fine-tuning CNN Image Retrieval with No Human
        Annotation", 2018, section 3.2, https://arxiv.org/abs/1711.02512.

    Example:
        >>> x = keras.ops.reshape([1.0, 0.0], (1, 1, 2, 1))
        >>> round(float(GlobalGeMPooling2D(p=1)(x)[0, 0]), 3)
        0.5
    """

    rank = 2

    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        *,
        p: float = 3.0,
        epsilon: float = 1e-6,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        for name, value in {"p": p, "epsilon": epsilon}.items():
            if not (isinstance(value, int | float) and 0 < value < math.inf):
                raise ValueError(f"`{name}` is a positive number. Received: {value!r}")
        self.initial_p = float(p)
        self.epsilon = float(epsilon)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.p = self.add_weight(
            name="p",
            shape=(),
            initializer=keras.initializers.Constant(self.initial_p),
            # In low precision, small gradients would not change the exponent.
            dtype=keras.backend.result_type(self.variable_dtype, "float32"),
        )

    def pool(self, x: Any) -> Any:
        x = ops.maximum(x, self.epsilon)
        p = ops.cast(self.p, x.dtype)
        unit = power.largest(x, self._axes)
        mean = ops.mean(ops.power(x / unit, p), self._axes, keepdims=True)
        return ops.power(mean, 1 / p) * unit

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"p": self.initial_p, "epsilon": self.epsilon}
