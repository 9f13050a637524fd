"""ResidualBlock against the papers' blocks written out in PyTorch."""

import keras
import numpy as np
import pytest
import torch
from keras import ops
from torch.nn import functional

from keras_cnnzoo.layers import ResidualBlock

EPSILON = 1e-5


def _randomised(block, x):
    """Build a block and give its normalisations non-trivial constants."""
    block(x)
    rng = np.random.default_rng(1)
    block.set_weights(
        [
            rng.uniform(0.2, 1.0, w.shape) - 0.3 * (len(w.shape) > 1)
            for w in block.get_weights()
        ]
    )
    return {
        w.path.split("/", 1)[1]: torch.tensor(ops.convert_to_numpy(w))
        for w in block.weights
    }


def _conv(w, name, x, stride=1, groups=1):
    kernel = w[f"{name}/kernel"].permute(3, 2, 0, 1)
    return functional.conv2d(
        x, kernel, stride=stride, padding=kernel.shape[-1] // 2, groups=groups
    )


def _bn(w, name, x):
    keys = ("moving_mean", "moving_variance", "gamma", "beta")
    return functional.batch_norm(x, *(w[f"{name}/{k}"] for k in keys), eps=EPSILON)


def _basic(w, x, stride):
    y = functional.relu(_bn(w, "bn1", _conv(w, "conv1", x, stride)))
    return _bn(w, "bn2", _conv(w, "conv2", y))


def _bottleneck(w, x, first, second, groups=1):
    y = functional.relu(_bn(w, "bn1", _conv(w, "conv1", x, first)))
    y = functional.relu(_bn(w, "bn2", _conv(w, "conv2", y, second, groups)))
    return _bn(w, "bn3", _conv(w, "conv3", y))


def _projected(w, x, stride):
    return _bn(w, "shortcut_bn", _conv(w, "shortcut_conv", x, stride))


def _option_a(x, stride, channels):
    new = channels - x.shape[1]
    return functional.pad(
        x[:, :, ::stride, ::stride], (0, 0, 0, 0, new // 2, new - new // 2)
    )


def _pre_activated(w, x, stride):
    z = functional.relu(_bn(w, "bn1", x))
    y = _conv(w, "conv1", z)
    y = _conv(w, "conv2", functional.relu(_bn(w, "bn2", y)), stride)
    y = _conv(w, "conv3", functional.relu(_bn(w, "bn3", y)))
    return _conv(w, "shortcut_conv", z, stride) + y


PAPER = {
    "basic, option B": (
        {"filters": 8, "strides": 2},
        lambda w, x: functional.relu(_projected(w, x, 2) + _basic(w, x, 2)),
    ),
    "basic, option A": (
        {"filters": 9, "strides": 2, "shortcut": "pad"},
        lambda w, x: functional.relu(_option_a(x, 2, 9) + _basic(w, x, 2)),
    ),
    "basic, option C": (
        {"filters": 4, "shortcut": "projection"},
        lambda w, x: functional.relu(_projected(w, x, 1) + _basic(w, x, 1)),
    ),
    "basic, identity": (
        {"filters": 4},
        lambda w, x: functional.relu(x + _basic(w, x, 1)),
    ),
    "bottleneck v1": (
        {"filters": 16, "body": "bottleneck", "version": "v1", "strides": 2},
        lambda w, x: functional.relu(_projected(w, x, 2) + _bottleneck(w, x, 2, 1)),
    ),
    "bottleneck v1.5, grouped": (
        {
            "filters": 16,
            "body": "bottleneck",
            "strides": 2,
            "width": 8,
            "cardinality": 4,
        },
        lambda w, x: functional.relu(_projected(w, x, 2) + _bottleneck(w, x, 1, 2, 4)),
    ),
    "bottleneck v2": (
        {"filters": 16, "body": "bottleneck", "version": "v2", "strides": 2},
        lambda w, x: _pre_activated(w, x, 2),
    ),
}


@pytest.mark.parametrize("size", [(8, 8), (9, 6)])
@pytest.mark.parametrize("name", PAPER)
def test_equals_the_paper_s_block(name, size, rng):
    kwargs, reference = PAPER[name]
    x = rng.normal(size=(2, *size, 4)).astype("float32")
    block = ResidualBlock(**kwargs)
    weights = _randomised(block, x)
    expected = reference(weights, torch.tensor(x).permute(0, 3, 1, 2))
    np.testing.assert_allclose(
        ops.convert_to_numpy(block(x)),
        expected.permute(0, 2, 3, 1).numpy(),
        rtol=1e-4,
        atol=1e-4,
    )


def test_same_padding_is_tensorflow_s(rng):
    """On an even size, "same" leaves out the first row that "symmetric" begins with."""
    x = rng.normal(size=(1, 8, 8, 4)).astype("float32")
    block = ResidualBlock(4, strides=2, padding="same")
    block(x)
    conv = keras.layers.Conv2D(4, 3, 2, padding="same", use_bias=False)
    conv.build(x.shape)
    conv.set_weights(block.conv1.get_weights())
    np.testing.assert_allclose(
        ops.convert_to_numpy(block.conv1(x)),
        ops.convert_to_numpy(conv(x)),
        rtol=1e-5,
    )


def test_a_body_of_the_user_s_own_saves_and_loads(rng, tmp_path):
    body = [
        keras.layers.DepthwiseConv2D(5, padding="same", name="deep"),
        keras.layers.Conv2D(4, 1, name="wide"),
    ]
    inputs = keras.Input((6, 6, 4))
    x = ResidualBlock(body=body, activation="gelu", gate=keras.layers.Dropout(0.1))(
        inputs
    )
    model = keras.Model(inputs, x)
    x = rng.normal(size=(2, 6, 6, 4)).astype("float32")
    expected = keras.activations.gelu(ops.convert_to_tensor(x) + body[1](body[0](x)))
    np.testing.assert_allclose(
        model.predict(x, verbose=0),
        ops.convert_to_numpy(expected),
        rtol=1e-4,
        atol=1e-5,
    )
    model.save(tmp_path / "model.keras")
    revived = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        revived.predict(x, verbose=0),
        ops.convert_to_numpy(expected),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("version", ["v1", "v1.5", "v2"])
def test_zero_init_starts_as_the_identity(version, rng):
    x = np.abs(rng.normal(size=(2, 6, 6, 4))).astype("float32")
    block = ResidualBlock(4, version=version, zero_init=True)
    np.testing.assert_allclose(ops.convert_to_numpy(block(x)), x, rtol=1e-6)


def test_convolutions_of_equal_shape_start_from_numbers_of_their_own():
    block = ResidualBlock(64)
    block.build((None, 8, 8, 64))
    first, second = (ops.convert_to_numpy(c.kernel) for c in (block.conv1, block.conv2))
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05
    # He et al. 2015, equation 10.
    assert first.std() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.03)


def test_drop_path_drops_whole_samples_and_keeps_the_mean(rng):
    block = ResidualBlock(4, version="v2", drop_path=0.5)
    x = np.ones((4000, 1, 1, 4), "float32")
    block(x)
    body = ops.convert_to_numpy(block(x, training=False)) - x
    block.bn1.trainable = block.bn2.trainable = False
    dropped = ops.convert_to_numpy(block(x, training=True)) - x
    gone = np.isclose(dropped, 0).all((1, 2, 3))
    assert 0.45 < gone.mean() < 0.55
    np.testing.assert_allclose(dropped[~gone], 2 * body[~gone], rtol=1e-4)


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        (
            {"filters": 8, "shortcut": "identity"},
            r"\(None, 6, 6, 4\).*\(None, 6, 6, 8\)",
        ),
        ({"filters": 2, "shortcut": "pad"}, r"\(None, 6, 6, 4\).*\(None, 6, 6, 2\)"),
        (
            {"body": keras.layers.Conv2D(4, 3), "activation": None},
            r"\(None, 6, 6, 4\).*\(None, 4, 4, 4\)",
        ),
    ],
)
def test_refuses_shapes_that_cannot_be_added(kwargs, said):
    with pytest.raises(ValueError, match=said):
        ResidualBlock(**kwargs)(keras.Input((6, 6, 4)))


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"filters": 8, "version": "v3"}, "'v1', 'v1.5', 'v2'"),
        ({"filters": 8, "shortcut": "B"}, "identity"),
        ({"filters": 8, "body": "wide"}, "basic"),
        ({}, "needs `filters`"),
        ({"filters": 8, "cardinality": 2}, "bottleneck"),
        ({"filters": 8, "body": "bottleneck", "width": 6, "cardinality": 4}, "divide"),
        ({"filters": 8, "record": "all"}, "maps"),
    ],
)
def test_bad_arguments_are_answered(kwargs, said):
    with pytest.raises(ValueError, match=said):
        ResidualBlock(**kwargs)
