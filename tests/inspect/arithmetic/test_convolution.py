"""Convolutions as matrices, their gradients as convolutions, and where the flip is."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import ndimage, signal

from keras_cnnzoo.backend.gradient import differentiate
from keras_cnnzoo.inspect import conv_as_matmul, conv_gradients, convolve, correlate


def _numpy(x):
    return ops.convert_to_numpy(x)


#: Sizes of the image, of the kernel, strides, padding.
CASES = [
    ((7,), (3,), 1, "valid"),
    ((8,), (3,), 2, "same"),
    ((8, 7), (3, 2), 1, "same"),
    ((8, 9), (3, 4), (2, 3), "valid"),
    ((9, 8), (4, 3), 2, "same"),
    ((6, 7), (1, 1), 2, "valid"),
    ((5, 4, 6), (2, 3, 2), (1, 2, 1), "same"),
]


def _drawn(rng, sizes, kernel):
    x = rng.normal(size=(2, *sizes, 3)).astype("float32")
    return x, rng.normal(size=(*kernel, 3, 4)).astype("float32")


@pytest.mark.parametrize(("sizes", "window", "strides", "padding"), CASES)
def test_a_convolution_is_a_matrix_product(rng, sizes, window, strides, padding):
    x, kernel = _drawn(rng, sizes, window)
    shown = conv_as_matmul(x, kernel, strides, padding)
    expected = _numpy(ops.conv(x, kernel, strides, padding, "channels_last"))
    np.testing.assert_allclose(_numpy(shown.output), expected, rtol=1e-4, atol=1e-4)
    product = _numpy(shown.patches) @ _numpy(shown.kernel)
    np.testing.assert_allclose(
        product.reshape(expected.shape), expected, rtol=1e-4, atol=1e-4
    )


def test_dilated_and_explicitly_padded_matrices(rng):
    x, kernel = _drawn(rng, (9, 8), (3, 2))
    shown = conv_as_matmul(x, kernel, padding="same", dilation=2)
    expected = ops.conv(x, kernel, 1, "same", "channels_last", 2)
    np.testing.assert_allclose(
        _numpy(shown.output), _numpy(expected), rtol=1e-4, atol=1e-4
    )
    padded = np.pad(x, [(0, 0), (2, 1), (1, 1), (0, 0)])
    np.testing.assert_allclose(
        _numpy(conv_as_matmul(x, kernel, padding=((2, 1), 1)).output),
        _numpy(ops.conv(padded, kernel, 1, "valid", "channels_last")),
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.once
def test_patches_are_the_windows(rng):
    x, kernel = _drawn(rng, (5, 6), (3, 2))
    rows = _numpy(conv_as_matmul(x, kernel).patches).reshape(2, 3, 5, 3, 2, 3)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 2), axis=(1, 2))
    np.testing.assert_array_equal(rows, windows.transpose(0, 1, 2, 4, 5, 3))


@pytest.mark.parametrize(("sizes", "window", "strides", "padding"), CASES)
def test_gradients_are_those_of_autodiff(rng, sizes, window, strides, padding):
    x, kernel = _drawn(rng, sizes, window)
    upper = rng.normal(size=conv_as_matmul(x, kernel, strides, padding).output.shape)
    upper = upper.astype("float32")
    found = conv_gradients(x, kernel, upper, strides, padding)
    # `differentiate` reads the weights of a model; this one has none to read.
    model = keras.Sequential([keras.Input((1,)), keras.layers.ReLU()])

    def of_inputs(x, kernel, upper):
        y = ops.conv(x, kernel, strides, padding, "channels_last")
        return ops.sum(y * upper), ()

    def of_kernel(kernel, x, upper):
        return of_inputs(x, kernel, upper)

    close = {"rtol": 1e-3, "atol": 1e-3}
    _, expected = differentiate(model, of_inputs)(x, kernel, upper)
    np.testing.assert_allclose(_numpy(found.inputs), _numpy(expected), **close)
    _, expected = differentiate(model, of_kernel)(kernel, x, upper)
    np.testing.assert_allclose(_numpy(found.kernel), _numpy(expected), **close)


@pytest.mark.once
def test_the_inputs_gradient_is_the_full_convolution():
    # In one channel, without a stride: `scipy.signal` does the same in words.
    rng = np.random.default_rng(1)
    x, kernel = rng.normal(size=(6, 5)), rng.normal(size=(3, 2))
    upper = rng.normal(size=(4, 4))
    found = conv_gradients(
        x[None, ..., None], kernel[..., None, None], upper[None, ..., None]
    )
    np.testing.assert_allclose(
        _numpy(found.inputs)[0, ..., 0],
        signal.convolve2d(upper, kernel, "full"),
        rtol=1e-4,
        atol=1e-5,
    )
    np.testing.assert_allclose(
        _numpy(found.kernel)[..., 0, 0],
        signal.correlate2d(x, upper, "valid"),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
@pytest.mark.parametrize("window", [(3, 3), (2, 4), (1, 5), (4, 3)])
def test_both_are_those_of_scipy(rng, mode, window):
    image, kernel = rng.normal(size=(8, 9)), rng.normal(size=window)
    close = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(
        _numpy(convolve(image, kernel, mode)),
        signal.convolve2d(image, kernel, mode),
        **close,
    )
    np.testing.assert_allclose(
        _numpy(correlate(image, kernel, mode)),
        signal.correlate2d(image, kernel, mode),
        **close,
    )


@pytest.mark.once
def test_the_flip_is_between_them(rng):
    kernel = rng.normal(size=(3, 3))
    dot = np.zeros((5, 5))
    dot[2, 2] = 1
    close = {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(_numpy(convolve(dot, kernel)), kernel, **close)
    turned = kernel[::-1, ::-1]
    np.testing.assert_allclose(_numpy(correlate(dot, kernel)), turned, **close)
    # A layer correlates, as `scipy.ndimage.correlate` does.
    image = rng.normal(size=(7, 7))
    layer = keras.layers.Conv2D(1, 3, padding="same", use_bias=False)
    layer.build((None, 7, 7, 1))
    layer.kernel.assign(kernel[..., None, None])
    np.testing.assert_allclose(
        _numpy(layer(image[None, ..., None]))[0, ..., 0],
        ndimage.correlate(image, kernel, mode="constant"),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.once
def test_one_and_three_dimensions(rng):
    line, taps = rng.normal(size=9), rng.normal(size=4)
    np.testing.assert_allclose(
        _numpy(convolve(line, taps, "full")),
        np.convolve(line, taps),
        rtol=1e-4,
        atol=1e-5,
    )
    image, kernel = rng.normal(size=(4, 5, 6)), rng.normal(size=(2, 3, 2))
    np.testing.assert_allclose(
        _numpy(convolve(image, kernel, "full")),
        signal.convolve(image, kernel),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.once
@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: convolve(np.ones((3, 3)), np.ones(3)), r"\(3, 3\) and \(3,\)"),
        (lambda: convolve(np.ones(3), np.ones(2), "some"), "Received: 'some'"),
        (
            lambda: conv_as_matmul(np.ones((1, 5, 5, 3)), np.ones((3, 3, 2, 1))),
            "Received",
        ),
        (
            lambda: conv_gradients(
                np.ones((1, 5, 1)), np.ones((3, 1, 1)), np.ones((1, 5, 1))
            ),
            r"the output's shape, \(1, 3, 1\)",
        ),
    ],
)
def test_what_is_wrong_is_said(call, says):
    with pytest.raises(ValueError, match=says):
        call()
