"""Lp pooling against PyTorch and NumPy, and where floating point runs out."""

import itertools
import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_cnnzoo.layers import (
    GlobalGeMPooling2D,
    GlobalLpPooling1D,
    GlobalLpPooling2D,
    GlobalLpPooling3D,
    L2NormPooling2D,
    LpPooling1D,
    LpPooling2D,
    LpPooling3D,
)

LP = {1: LpPooling1D, 2: LpPooling2D, 3: LpPooling3D}
GLOBAL_LP = {1: GlobalLpPooling1D, 2: GlobalLpPooling2D, 3: GlobalLpPooling3D}
SHAPES = {1: (2, 9, 3), 2: (2, 9, 7, 3), 3: (2, 5, 4, 6, 2)}
WINDOWS = [(2, None), (3, 2), (3, 1), (2, 3)]
# Rank, window, stride, order: every window by one order, every order by one window.
CASES = [(rank, k, s, 2) for rank in SHAPES for k, s in WINDOWS]
CASES += [(2, 3, 2, p) for p in (1, 2.33, 7, math.inf)]
SMOOTH = [case for case in CASES if case[-1] in (2, 2.33)]


def _gradient(function, x, upstream=None):
    """Return the gradient of `sum(function(x) * upstream)` by the current backend."""
    x = np.asarray(x)
    weigh = 1.0 if upstream is None else upstream
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.jit(jax.grad(lambda x: (function(x) * weigh).sum()))(x))
    if keras.backend.backend() == "torch":
        x = ops.convert_to_tensor(x).requires_grad_()
        ops.sum(function(x) * ops.convert_to_tensor(weigh)).backward()
        return ops.convert_to_numpy(x.grad)
    import tensorflow as tf

    @tf.function
    def compiled(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(function(x) * weigh)
        return tape.gradient(y, x)

    return compiled(tf.constant(x)).numpy()


def _numpy_pool(x, k, s, padding, p, reduction):
    """Loop over the windows of a channels-last array, skipping what is outside."""
    s = s or k
    x, spatial = np.abs(x.astype("float64")), x.shape[1:-1]
    if padding == "same":
        out = [-(-n // s) for n in spatial]
        start = [
            -(max((m - 1) * s + k - n, 0) // 2)
            for m, n in zip(out, spatial, strict=True)
        ]
    else:
        out, start = [(n - k) // s + 1 for n in spatial], [0] * len(spatial)
    y = np.empty((len(x), *out, x.shape[-1]))
    axes = tuple(range(1, x.ndim - 1))
    for at in itertools.product(*map(range, out)):
        corner = [o + i * s for o, i in zip(start, at, strict=True)]
        window = x[(slice(None), *(slice(max(c, 0), c + k) for c in corner))]
        if p == math.inf:
            y[(slice(None), *at)] = window.max(axes)
        else:
            total = getattr(window**p, reduction)(axes)
            y[(slice(None), *at)] = total ** (1 / p)
    return y


@pytest.mark.parametrize(("rank", "k", "s", "p"), CASES)
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_equals_a_numpy_loop_on_signed_input(rng, rank, k, s, p, padding, reduction):
    x = rng.normal(size=SHAPES[rank]).astype("float32")
    layer = LP[rank](k, s, padding, p=p, reduction=reduction)
    expected = _numpy_pool(x, k, s, padding, p, reduction)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), expected, rtol=2e-5)
    assert layer.compute_output_shape(x.shape) == expected.shape


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize(("k", "s", "p"), [(2, None, 2.0), (3, 2, 2.0), (3, 2, 4.0)])
def test_value_and_gradient_equal_torch_on_signed_input(rng, rank, k, s, p):
    _compare_with_torch(rng.normal(size=SHAPES[rank]), rng, rank, k, s, p)


@pytest.mark.parametrize("p", [1.0, 1.5, 3.0])
def test_odd_and_fractional_orders_equal_torch_without_negatives(rng, p):
    _compare_with_torch(rng.uniform(0.1, 2, size=SHAPES[2]), rng, 2, 3, 2, p)


def _compare_with_torch(x, rng, rank, k, s, p):
    import torch

    x = np.moveaxis(x.astype("float32"), -1, 1)
    theirs = torch.from_numpy(x.copy()).requires_grad_()
    pool = getattr(torch.nn.functional, f"lp_pool{rank}d")
    y = pool(theirs, p, k, s)
    upstream = rng.normal(size=tuple(y.shape)).astype("float32")
    y.backward(torch.from_numpy(upstream))

    layer = LP[rank](k, s, p=p, data_format="channels_first")
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(x)), y.detach().numpy(), rtol=1e-5
    )
    np.testing.assert_allclose(
        _gradient(layer, x, upstream), theirs.grad.numpy(), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize(("rank", "k", "s", "p"), SMOOTH)
def test_gradient_equals_finite_differences(rng, rank, k, s, p):
    x = rng.normal(size=SHAPES[rank])
    layer = LP[rank](k, s, "same", p=p, reduction="mean")
    got = _gradient(layer, x.astype("float32"))
    for at in rng.permutation(list(np.ndindex(x.shape)))[:10]:
        step = np.zeros_like(x)
        step[tuple(at)] = 1e-5
        up, down = (
            _numpy_pool(z, k, s, "same", p, "mean").sum() for z in (x + step, x - step)
        )
        assert got[tuple(at)] == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-4)


def test_second_derivative_equals_torch(rng):
    """A gradient penalty differentiates the gradient once more."""
    import torch

    x = rng.normal(size=(1, 4, 4, 1)).astype("float32")
    layer = LpPooling2D(2)
    theirs = torch.from_numpy(np.moveaxis(x, -1, 1)).requires_grad_()
    y = torch.nn.functional.lp_pool2d(theirs, 2.0, 2) ** 2
    (first,) = torch.autograd.grad(y.sum() ** 2, theirs, create_graph=True)
    (expected,) = torch.autograd.grad((first**3).sum(), theirs)

    if keras.backend.backend() == "jax":
        import jax

        slope = jax.grad(lambda x: (layer(x) ** 2).sum() ** 2)
        got = jax.grad(lambda x: (slope(x) ** 3).sum())(x)
    elif keras.backend.backend() == "torch":
        ours = ops.convert_to_tensor(x).requires_grad_()
        (slope,) = torch.autograd.grad(
            (layer(ours) ** 2).sum() ** 2, ours, create_graph=True
        )
        (got,) = torch.autograd.grad((slope**3).sum(), ours)
    else:
        import tensorflow as tf

        ours = tf.constant(x)
        with tf.GradientTape() as outer:
            outer.watch(ours)
            with tf.GradientTape() as inner:
                inner.watch(ours)
                y = tf.reduce_sum(layer(ours) ** 2) ** 2
            total = tf.reduce_sum(inner.gradient(y, ours) ** 3)
        got = outer.gradient(total, ours)
    np.testing.assert_allclose(
        np.moveaxis(ops.convert_to_numpy(got), -1, 1), expected.numpy(), rtol=1e-4
    )


@pytest.mark.parametrize("p", [1, 1.5, 2, 7, math.inf])
@pytest.mark.parametrize(("k", "s"), [(2, 2), (3, 2)])
def test_dead_windows_have_zero_output_and_gradient(p, k, s):
    x = np.zeros((1, 8, 8, 2), "float32")
    x[0, 0, 0] = 1.0
    layer = LpPooling2D(k, s, p=p)
    # In the one live window, too, every pixel but one is 0.
    y = np.zeros((1, 8 // s - (k > s), 8 // s - (k > s), 2))
    y[0, 0, 0] = 1.0
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), y)
    np.testing.assert_allclose(_gradient(layer, x), x, rtol=1e-5)
    assert not _gradient(layer, np.zeros_like(x)).any()


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("make", [GlobalLpPooling2D, GlobalGeMPooling2D])
def test_dead_maps_have_zero_gradient(make, p):
    layer = make(p=p)
    layer.build((None, 4, 4, 2))
    assert not _gradient(layer, np.zeros((1, 4, 4, 2), "float32")).any()


@pytest.mark.parametrize("p", [2.0, 3.5])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_global_pooling_equals_numpy(rng, rank, p, reduction):
    x = rng.normal(size=SHAPES[rank]).astype("float32")
    axes = tuple(range(1, rank + 1))
    powers = getattr(np.abs(x.astype("float64")) ** p, reduction)(axes)
    y = GLOBAL_LP[rank](p=p, reduction=reduction)(x)
    np.testing.assert_allclose(ops.convert_to_numpy(y), powers ** (1 / p), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("value", [1000.0, 1e-4])
@pytest.mark.parametrize("make", [L2NormPooling2D, GlobalLpPooling2D])
def test_half_precision_neither_overflows_nor_vanishes(dtype, value, make):
    """1000² is beyond float16, and (1e-4)² below it."""
    y = make(dtype=dtype)(ops.full((1, 2, 2, 1), value, dtype))
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    # Four equal pixels: the norm is twice the pixel, whatever its rounding.
    expected = 2 * ops.cast(ops.convert_to_tensor(value, dtype), "float32")
    assert float(ops.reshape(y, ())) == pytest.approx(float(expected), rel=1e-3)


@pytest.mark.parametrize("value", [1e-3, 1.0, 1e6])
def test_high_orders_stay_in_the_range_of_float32(value):
    """1e6 ** 7 is infinite in float32; (1e-3) ** 13 is 0."""
    for p in (7, 13):
        x = np.full((1, 2, 2, 1), value, "float32")
        layer = LpPooling2D(2, p=p)
        y = ops.convert_to_numpy(layer(x))
        np.testing.assert_allclose(y, value * 4 ** (1 / p), rtol=1e-5)
        slope = np.full_like(x, 4 ** (1 / p - 1))
        np.testing.assert_allclose(_gradient(layer, x), slope, rtol=1e-5)


def test_squares_reach_as_far_as_documented():
    for value in (1e-15, 1e18):
        x = np.full((1, 2, 2, 1), value, "float32")
        y = L2NormPooling2D()(x)
        np.testing.assert_allclose(ops.convert_to_numpy(y), 2 * value, rtol=1e-5)
        np.testing.assert_allclose(_gradient(L2NormPooling2D(), x), 0.5, rtol=1e-5)


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_overflow_upstream_is_not_hidden(p, bad):
    x = np.ones((1, 2, 2, 1), "float32")
    x[0, 1, 0] = bad
    y = ops.convert_to_numpy(LpPooling2D(2, p=p)(x))
    np.testing.assert_array_equal(y, [[[[bad]]]])


def test_order_goes_from_sum_to_maximum(rng):
    x = rng.normal(size=(1, 6, 6, 2)).astype("float32")
    average = keras.layers.AveragePooling2D(3)(np.abs(x))
    largest = keras.layers.MaxPooling2D(3)(np.abs(x))
    ours = LpPooling2D(3, p=1, reduction="mean")(x)
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (ours, average)), rtol=1e-5)
    ours = LpPooling2D(3, p=math.inf)(x)
    np.testing.assert_array_equal(*map(ops.convert_to_numpy, (ours, largest)))


def test_sums_do_not_depend_on_padding():
    x = np.ones((1, 3, 3, 1), "float32")
    y = L2NormPooling2D(2, padding="same")(x)
    expected = np.sqrt([[4, 2], [2, 1]])
    np.testing.assert_allclose(ops.convert_to_numpy(y)[0, :, :, 0], expected, rtol=1e-6)
    y = L2NormPooling2D(2, padding="same", reduction="mean")(x)
    np.testing.assert_allclose(ops.convert_to_numpy(y), 1, rtol=1e-6)


class TestGeneralisedMean:
    def test_equals_the_formula_of_the_paper(self, rng):
        """Gradients in the paper: equations 5 (to the map) and 6 (to the exponent)."""
        x = rng.uniform(0.1, 2, size=(2, 5, 4, 3))
        layer, p = GlobalGeMPooling2D(), 3.0
        y = (x**p).mean((1, 2)) ** (1 / p)
        np.testing.assert_allclose(
            ops.convert_to_numpy(layer(x.astype("float32"))), y, rtol=1e-5
        )
        pixels = 20
        to_map = y[:, None, None] ** (1 - p) * x ** (p - 1) / pixels
        np.testing.assert_allclose(
            _gradient(layer, x.astype("float32")), to_map, rtol=1e-4
        )
        powers = (x**p).sum((1, 2))
        logs = (x**p * np.log(x)).sum((1, 2))
        to_p = y / p**2 * (np.log(pixels / powers) + p * logs / powers)
        assert _slope_of_p(layer, x) == pytest.approx(to_p.sum(), rel=1e-4)

    def test_one_exponent_is_learned(self, rng):
        layer = GlobalGeMPooling2D()
        layer.build((None, 4, 4, 2))
        assert [w.shape for w in layer.trainable_weights] == [()]
        model = keras.Sequential([keras.Input((4, 4, 2)), layer])
        model.compile("sgd", "mse")
        x = rng.uniform(size=(8, 4, 4, 2)).astype("float32")
        model.fit(x, x.max((1, 2)), epochs=3, verbose=0)
        assert float(layer.p) > 3.0


def _slope_of_p(layer, x):
    """Differentiate by the exponent with one SGD step of unit size."""
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    before = float(layer.p)
    model.compile(
        keras.optimizers.SGD(1.0), loss=lambda _, y: ops.sum(y) * ops.ones((len(x),))
    )
    model.fit(
        x.astype("float32"), np.zeros(len(x)), batch_size=len(x), epochs=1, verbose=0
    )
    return before - float(layer.p)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"p": 0.5}, "at least 1.*0.5"),
        ({"p": math.nan}, "at least 1.*nan"),
        ({"p": "2"}, "at least 1.*'2'"),
        ({"pool_size": 0}, "pool_size.*0"),
        ({"pool_size": (2, 2, 2)}, "2 of them.*2, 2, 2"),
        ({"strides": (1, -1)}, "strides.*-1"),
        ({"strides": 1.5}, "strides.*1.5"),
        ({"padding": "full"}, "'valid' or 'same'.*'full'"),
        ({"reduction": "max"}, "'sum' or 'mean'.*'max'"),
        ({"data_format": "NHWC"}, "channels_last.*'NHWC'"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        LpPooling2D(**arguments)


def test_wrong_exponents_of_the_generalised_mean_are_named():
    with pytest.raises(ValueError, match=r"`p` is a positive number.*0"):
        GlobalGeMPooling2D(p=0)


@pytest.mark.parametrize("symbolic", [True, False])
def test_a_window_larger_than_the_input_is_an_error(symbolic):
    x = keras.Input((3, 8, 1)) if symbolic else np.ones((1, 3, 8, 1), "float32")
    with pytest.raises(ValueError, match=r"\(4, 4\).*3, 8, 1.*same"):
        LpPooling2D(4)(x)


def test_euclidean_norm_has_no_order_to_choose():
    assert "p" not in L2NormPooling2D().get_config()
    with pytest.raises((TypeError, ValueError), match="p"):
        L2NormPooling2D(p=3)


@pytest.mark.parametrize("name", ["l2", "gem"])
def test_feature_poolings_are_offered_by_name(name):
    from keras_cnnzoo.blocks.heads import pool_features

    assert pool_features(keras.Input((4, 4, 3)), name).shape == (None, 3)
