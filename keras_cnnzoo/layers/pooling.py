"""Lp pooling over windows: sums of magnitudes, L2 norms, up to maxima."""

import math
from typing import Any, Literal

import keras
from keras import ops

from keras_cnnzoo.axes import spatial_axes, standardize_data_format
from keras_cnnzoo.layers import power
from keras_cnnzoo.layers.checks import check_choice, check_order
from keras_cnnzoo.layers.registry import register_layer
from keras_cnnzoo.layers.stateless import is_stateless

Size = int | tuple[int, ...]
Padding = Literal["valid", "same"]
Reduction = Literal["sum", "mean"]


class _LpPooling(keras.layers.Layer):
    rank: int

    def __init__(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: Padding = "valid",
        data_format: str | None = None,
        name: str | None = None,
        *,
        p: float = 2.0,
        reduction: Reduction = "sum",
        **kwargs: Any,
    ) -> None:
        # `call` casts the input to float32; autocast would lose precision before that.
        super().__init__(autocast=False, name=name, **kwargs)
        self.pool_size = self._sizes("pool_size", pool_size)
        # Resolved here: ops.average_pool(strides=None) fails on JAX (Keras 3.15.1).
        self.strides = (
            self.pool_size if strides is None else self._sizes("strides", strides)
        )
        self.padding = check_choice("padding", padding, ("valid", "same"))
        self.p = check_order(p)
        self.reduction = check_choice("reduction", reduction, ("sum", "mean"))
        self.data_format = standardize_data_format(data_format)
        self._axes = spatial_axes(self.data_format, self.rank + 2)
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2)
        self.built = is_stateless(self)

    def _sizes(self, name: str, value: Any) -> tuple[int, ...]:
        sizes = (value,) * self.rank if isinstance(value, int) else value
        if not (
            isinstance(sizes, tuple | list)
            and len(sizes) == self.rank
            and all(isinstance(n, int) and n > 0 for n in sizes)
        ):
            raise ValueError(
                f"`{name}` is a positive int or {self.rank} of them. "
                f"Received: {value!r}"
            )
        return tuple(sizes)

    def call(self, inputs: Any) -> Any:
        self.compute_output_shape(inputs.shape)
        x = self._cover(power.widen(inputs))
        if self.p == math.inf:
            y = ops.max_pool(
                power.magnitude(x),
                self.pool_size,
                self.strides,
                "valid",
                self.data_format,
            )
        elif self.reduction == "sum":
            y = power.lp_norm(x, self.p, self._sum, self._axes)
        else:
            area = self._real_pixels(inputs, x.dtype)
            y = power.lp_norm(x, self.p, lambda v: self._sum(v) / area, self._axes)
        return ops.cast(y, self.compute_dtype)

    def _cover(self, x: Any) -> Any:
        if self.padding == "valid":
            return x
        return power.pad_same(x, self._axes, self.pool_size, self.strides)

    def _sum(self, x: Any) -> Any:
        return power.window_sum(
            x, self._axes, self.pool_size, self.strides, self.data_format
        )

    def _real_pixels(self, inputs: Any, dtype: str) -> Any:
        """Return the number of pixels of each window that lie inside the image."""
        if self.padding == "valid":
            return math.prod(self.pool_size)
        size = ops.shape(inputs)
        one_map = [size[a] if a in self._axes else 1 for a in range(len(size))]
        return self._sum(self._cover(ops.ones(one_map, dtype)))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        shape = list(input_shape)
        for axis, k, s in zip(self._axes, self.pool_size, self.strides, strict=True):
            size = shape[axis]
            if size is None:
                continue
            if self.padding == "valid" and size < k:
                raise ValueError(
                    f"{self.name!r} finds no whole window of {self.pool_size} in its "
                    f"input of shape {tuple(input_shape)} ({self.data_format}). Take "
                    'a smaller `pool_size`, or `padding="same"`.'
                )
            shape[axis] = (
                (size - k) // s + 1 if self.padding == "valid" else -(-size // s)
            )
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        own = ("pool_size", "strides", "padding", "p", "reduction", "data_format")
        return super().get_config() | {name: getattr(self, name) for name in own}


class _L2NormPooling(_LpPooling):
    def __init__(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: Padding = "valid",
        data_format: str | None = None,
        name: str | None = None,
        *,
        reduction: Reduction = "sum",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            pool_size,
            strides,
            padding,
            data_format,
            name,
            p=2.0,
            reduction=reduction,
            **kwargs,
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["p"]
        return config


@register_layer
class LpPooling2D(_LpPooling):
    """Reduce each window to the p-norm of its values, `(sum |x| ** p) ** (1 / p)`.

    `p=1` sums magnitudes, `p=2` is L2 pooling, and `p=inf` takes the largest magnitude.
    An all-zero window has output 0 and gradient 0. The norm is accumulated in at least
    float32, whatever the dtype policy.

    Magnitudes are taken for every `p`. `torch.nn.LPPool2d` takes none: with it, values
    of opposite sign cancel for odd `p`, and negative values give NaN for fractional
    `p`. The two layers agree for even `p`, and for input without negative values.

    Args:
        pool_size: Window height and width in pixels; one int makes it square.
        strides: Step between windows in pixels; None steps by `pool_size`.
        padding: "valid" drops partial windows. "same" keeps them; pixels outside the
            image are ignored.
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        name: Name of the layer.
        p: Order of the norm, at least 1; `math.inf` is allowed.
        reduction: "sum", or "mean" for the power mean
            `(mean |x| ** p) ** (1 / p)`, whose partial windows average over the
            pixels inside the image.
        **kwargs: `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, height, width, channels)`, output `(batch, new_height,
        new_width, channels)`; channels second under "channels_first". The output has
        the layer's compute dtype.

    Raises:
        ValueError: An argument is out of range, or the input is smaller than a
            window and `padding` is "valid".

    Note:
        In float32 the smallest values count as 0: those below 1e-16 for `p=2`, and for
        other `p` those below `1e-32 ** (1 / p)` of the largest value of their channel.
        Magnitudes above 1e19 overflow for `p=2`. Under JAX only reverse-mode gradients
        are available.

    Source:
        Sermanet, Chintala and LeCun, "Convolutional Neural Networks Applied to House
        Numbers Digit Classification", 2012, section 2.2,
        https://arxiv.org/abs/1204.3968.

    Example:
        >>> x = keras.ops.reshape([3.0, -4.0, 0.0, 0.0], (1, 2, 2, 1))
        >>> float(LpPooling2D(pool_size=2)(x)[0, 0, 0, 0])
        5.0
    """

    rank = 2


@register_layer
class LpPooling1D(_LpPooling):
    """Reduce each window of a sequence to its p-norm, as `LpPooling2D` does.

    Args:
        pool_size: Window length in steps.
        strides: Steps between windows; None takes `pool_size`.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        name: Name of the layer.
        p: Order of the norm, at least 1; `math.inf` is allowed.
        reduction: "sum" or "mean".
        **kwargs: `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, steps, channels)`, output `(batch, new_steps, channels)`;
        channels second under "channels_first".

    Raises:
        ValueError: As `LpPooling2D`.
    """

    rank = 1


@register_layer
class LpPooling3D(_LpPooling):
    """Reduce each window of a volume to its p-norm, as `LpPooling2D` does.

    Args:
        pool_size: Window depth, height and width; one int makes it a cube.
        strides: Step between windows; None steps by `pool_size`.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None takes
            `keras.config.image_data_format()`.
        name: Name of the layer.
        p: Order of the norm, at least 1; `math.inf` is allowed.
        reduction: "sum" or "mean".
        **kwargs: `dtype` and the like, for `keras.layers.Layer`.

    Shape:
        Input `(batch, depth, height, width, channels)`, output `(batch, new_depth,
        new_height, new_width, channels)`; channels second under "channels_first".

    Raises:
        ValueError: As `LpPooling2D`.
    """

    rank = 3


@register_layer
class L2NormPooling2D(_L2NormPooling, LpPooling2D):
    """Reduce each window to its Euclidean norm: `LpPooling2D` with `p=2`.

    Takes the arguments of `LpPooling2D` except `p`.

    Example:
        >>> x = keras.ops.reshape([3.0, -4.0, 0.0, 0.0], (1, 2, 2, 1))
        >>> float(L2NormPooling2D(pool_size=2)(x)[0, 0, 0, 0])
        5.0
    """


@register_layer
class L2NormPooling1D(_L2NormPooling, LpPooling1D):
    """Reduce each window of a sequence to its Euclidean norm.

    Takes the arguments of `LpPooling1D` except `p`, which is 2.
    """


@register_layer
class L2NormPooling3D(_L2NormPooling, LpPooling3D):
    """Reduce each window of a volume to its Euclidean norm.

    Takes the arguments of `LpPooling3D` except `p`, which is 2.
    """
