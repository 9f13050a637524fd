"""The layers of the classic networks against PyTorch, NumPy and the papers' numbers."""

import keras
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from keras import ops

from keras_cnnzoo.layers import (
    EuclideanRBF,
    FanInUniform,
    LocalResponseNormalization,
    PartialConv2D,
    Subsampling2D,
    scaled_tanh,
)


def _numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def _torch(x):
    return torch.tensor(np.moveaxis(x, -1, 1).copy())


def _last(x):
    return np.moveaxis(x.numpy(), 1, -1)


# Local response normalisation


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_lrn_is_pytorchs_with_alpha_over_size(rng, size):
    x = rng.normal(scale=20, size=(2, 4, 5, 7)).astype("float32")
    ours = LocalResponseNormalization(size // 2, bias=2.0, alpha=1e-2 / size, beta=0.7)
    theirs = F.local_response_norm(_torch(x), size, alpha=1e-2, beta=0.7, k=2.0)
    np.testing.assert_allclose(_numpy(ours(x)), _last(theirs), rtol=1e-5)


def test_lrn_is_the_papers_formula_term_by_term(rng):
    x = rng.normal(scale=50, size=(2, 3, 3, 8))
    k, n, alpha, beta = 2, 5, 1e-4, 0.75
    expected = np.empty_like(x)
    for i in range(8):
        total = np.zeros(x.shape[:-1])
        for j in range(max(0, i - n // 2), min(8 - 1, i + n // 2) + 1):
            total += x[..., j] ** 2
        expected[..., i] = x[..., i] / (k + alpha * total) ** beta
    y = LocalResponseNormalization()(x.astype("float32"))
    np.testing.assert_allclose(_numpy(y), expected, rtol=1e-5)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_lrn_squares_in_full_precision(half):
    # The square of 1000 is beyond float16, and 2 + 1e-4 would be 2 in bfloat16.
    x = ops.full((1, 1, 1, 5), 1000.0, half)
    y = LocalResponseNormalization(dtype=half)(x)
    expected = 1000 / (2 + 1e-4 * 5e6) ** 0.75
    np.testing.assert_allclose(_numpy(y)[..., 2], expected, rtol=1e-2)


@pytest.mark.parametrize("wrong", [{"bias": 0.0}, {"depth_radius": -1}])
def test_lrn_refuses_what_could_divide_by_zero(wrong):
    with pytest.raises(ValueError, match="positive"):
        LocalResponseNormalization(**wrong)


# Partial connections


def test_partial_convolution_is_a_sum_over_its_maps(rng):
    connections = [[0, 1, 2], [3, 0], [2]]
    x = rng.normal(size=(2, 9, 8, 4)).astype("float32")
    layer = PartialConv2D(connections, 3, bias_initializer="normal")
    y = _numpy(layer(x))
    kernel, bias = layer.get_weights()
    at = 0
    for f, maps in enumerate(connections):
        expected = bias[f]
        for m in maps:
            weight = torch.tensor(kernel[:, :, at])[None, None]
            expected = expected + F.conv2d(_torch(x[..., m : m + 1]), weight).numpy()
            at += 1
        np.testing.assert_allclose(y[..., f], expected[:, 0], rtol=1e-4, atol=1e-5)
    assert at == kernel.shape[-1]


def test_partial_convolution_in_full_is_conv2d(rng):
    x = rng.normal(size=(2, 9, 8, 3)).astype("float32")
    full = keras.layers.Conv2D(4, 3, 2, "same", activation="relu")
    full(x)
    layer = PartialConv2D([[0, 1, 2]] * 4, 3, 2, "same", activation="relu")
    layer(x)
    kernel, bias = full.get_weights()
    # Theirs counts maps, then filters; ours filter by filter.
    layer.set_weights([kernel.swapaxes(2, 3).reshape(3, 3, 12), bias])
    np.testing.assert_allclose(_numpy(layer(x)), _numpy(full(x)), rtol=1e-4, atol=1e-5)


def test_partial_convolution_trains_every_kernel_it_has_and_no_other(rng):
    x = rng.normal(size=(8, 6, 6, 4)).astype("float32")
    inputs = keras.Input((6, 6, 4))
    layer = PartialConv2D([[0, 1], [2]], 3)
    model = keras.Model(inputs, layer(inputs))
    assert [tuple(w.shape) for w in model.trainable_weights] == [(3, 3, 3), (2,)]
    model.compile("sgd", "mse")
    before = layer.get_weights()
    model.fit(x, np.ones((8, 4, 4, 2)), verbose=0)
    for old, new in zip(before, layer.get_weights(), strict=True):
        assert (old != new).all()
    unseen = x.copy()
    unseen[..., 3] += 100
    np.testing.assert_array_equal(model.predict(x), model.predict(unseen))


@pytest.mark.parametrize("connections", [[[0], []], [[1, 1]], [[0, -1]]])
def test_partial_convolution_refuses_lists_that_are_no_connections(connections):
    with pytest.raises(ValueError, match="different input channels"):
        PartialConv2D(connections, 3)


def test_partial_convolution_names_the_missing_channel():
    with pytest.raises(ValueError, match=r"channel 3, .* has only 3 channels"):
        PartialConv2D([[0, 3]], 3)(np.zeros((1, 5, 5, 3)))


# Trainable sub-sampling


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2)])
def test_subsampling_is_pytorchs_average_scaled(rng, size, stride):
    x = rng.normal(size=(2, 9, 8, 3)).astype("float32")
    layer = Subsampling2D(size, stride, "tanh", "normal", "normal")
    y = _numpy(layer(x))
    coefficient, bias = layer.get_weights()
    total = size**2 * _last(F.avg_pool2d(_torch(x), size, stride))
    np.testing.assert_allclose(
        y, np.tanh(total * coefficient + bias), rtol=1e-4, atol=1e-6
    )


def test_subsampling_starts_as_average_pooling(rng):
    x = rng.normal(size=(2, 8, 8, 3)).astype("float32")
    average = keras.layers.AveragePooling2D(2)(x)
    np.testing.assert_allclose(_numpy(Subsampling2D()(x)), _numpy(average), atol=1e-6)


def test_subsampling_refuses_a_window_of_no_size():
    with pytest.raises(ValueError, match="positive"):
        Subsampling2D(0)


# Distance units


def test_rbf_is_the_negative_squared_distance(rng):
    codes, x = rng.normal(size=(10, 84)), rng.normal(size=(5, 84))
    distance = torch.cdist(torch.tensor(x), torch.tensor(codes)).numpy() ** 2
    y = EuclideanRBF(codes)(x.astype("float32"))
    np.testing.assert_allclose(_numpy(y), -distance, rtol=1e-5)


def test_rbf_softmax_is_the_papers_criterion_without_the_rubbish_class(rng):
    """Equation 9 with j without bound: `y_D + log(sum(exp(-y)))`."""
    codes, x = rng.normal(size=(4, 6)), rng.normal(size=(3, 6)).astype("float32")
    penalty = -_numpy(EuclideanRBF(codes)(x)).astype("float64")
    right = np.array([0, 3, 1])
    criterion = penalty[range(3), right] + np.log(np.exp(-penalty).sum(-1))
    loss = keras.losses.sparse_categorical_crossentropy(
        right, EuclideanRBF(codes, activation="softmax")(x)
    )
    np.testing.assert_allclose(_numpy(loss), criterion, rtol=1e-4)


def test_rbf_codes_are_fixed_and_saved():
    layer = EuclideanRBF([[1.0, -1.0]])
    layer.build((None, 2))
    assert not layer.trainable_weights
    assert len(layer.non_trainable_weights) == 1


def test_rbf_says_both_sizes_where_they_differ():
    with pytest.raises(ValueError, match=r"codes of 2 numbers.* 3 features"):
        EuclideanRBF([[1.0, -1.0]])(np.zeros((1, 3)))


# Squashing and start values


def test_scaled_tanh_is_as_appendix_a_designs_it():
    one, far = ops.ones(()), ops.full((), 1e4)
    assert float(scaled_tanh(one)) == pytest.approx(1, abs=1e-4)
    assert float(scaled_tanh(-one)) == pytest.approx(-1, abs=1e-4)
    assert float(scaled_tanh(far)) == pytest.approx(1.7159)


def test_scaled_tanh_is_saved_by_name():
    config = keras.layers.Dense(1, activation=scaled_tanh).get_config()
    assert keras.layers.Dense.from_config(config).activation is scaled_tanh


def test_fan_in_uniform_fills_its_range_entry_by_entry():
    fan_in = [24, 240]
    values = _numpy(FanInUniform(fan_in, seed=1)((10_000, 2)))
    limit = 2.4 / np.array(fan_in)
    assert (np.abs(values) <= limit).all()
    np.testing.assert_allclose(values.std(0), limit / 3**0.5, rtol=0.03)
    np.testing.assert_allclose(values.mean(0) / limit, 0, atol=0.03)


def test_fan_in_uniform_repeats_with_a_seed_only():
    seeded = FanInUniform(3, scale=1.0, seed=5)
    twin = FanInUniform.from_config(seeded.get_config())
    np.testing.assert_array_equal(_numpy(seeded((4,))), _numpy(twin((4,))))
    other = FanInUniform(3, scale=1.0)((4,))
    assert (_numpy(seeded((4,))) != _numpy(other)).all()
