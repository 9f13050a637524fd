"""Move many variables towards others in one call of the backend.

`keras.ops` would take three calls for each variable, some milliseconds in every step of
a ResNet. So this module uses the backend directly, as `forward` does; it imports only
the configured one.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras

Variables: TypeAlias = Sequence[keras.Variable]


def blender(averages: Variables, weights: Variables) -> Callable[[float], None]:
    """Return a function that moves averages a share of the way towards weights.

    The function does not wait until the device has done it.

    Args:
        averages: The variables that change, floating-point ones.
        weights: A variable of the same shape for each of them.

    Returns:
        `f(share)`, which does `average += share * (weight - average)`. A share of 1
        makes averages of zero equal to the weights.
    """
    return _BACKENDS[keras.backend.backend()](averages, weights)


def _tensorflow(averages: Variables, weights: Variables) -> Callable[[float], None]:
    import tensorflow as tf

    @tf.function(autograph=False)
    def blend(share: Any) -> None:
        for average, weight in zip(averages, weights, strict=True):
            moved = tf.cast(weight.value, average.dtype) - average.value
            average.value.assign_add(moved * tf.cast(share, average.dtype))

    # A tensor, because each Python number would be traced.
    return lambda share: blend(tf.constant(share, tf.float32))


def _jax(averages: Variables, weights: Variables) -> Callable[[float], None]:
    import jax

    def blend(before: list[Any], values: list[Any], share: Any) -> list[Any]:
        return [
            a + (v.astype(a.dtype) - a) * share.astype(a.dtype)
            for a, v in zip(before, values, strict=True)
        ]

    compiled = jax.jit(blend, donate_argnums=0)

    def call(share: float) -> None:
        before = [average.value for average in averages]
        after = compiled(
            before, [weight.value for weight in weights], jax.numpy.float32(share)
        )
        for average, value in zip(averages, after, strict=True):
            average.assign(value)

    return call


def _torch(averages: Variables, weights: Variables) -> Callable[[float], None]:
    import torch
    from torch.optim.swa_utils import get_ema_multi_avg_fn

    multi_average: Callable[[float], Callable[..., None]] = get_ema_multi_avg_fn
    targets = [average.value for average in averages]

    def call(share: float) -> None:
        with torch.no_grad():
            values = [
                weight.value.to(target.dtype)
                for weight, target in zip(weights, targets, strict=True)
            ]
            multi_average(1 - share)(targets, values, None)

    return call


_BACKENDS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
