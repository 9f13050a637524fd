"""The classical filters are those of SciPy and scikit-image."""

from pathlib import Path

import keras
import numpy as np
import pytest
from scipy import ndimage

from keras_cnnzoo.layers import ImageFilter2D

#: What scikit-image answers; see make_filters.py.
SKIMAGE = np.load(Path(__file__).parents[1] / "references" / "filters.npz")


def _filtered(image, kind, **options):
    layer = ImageFilter2D(kind, **options)
    return keras.ops.convert_to_numpy(layer(image[None, ..., None]))[0]


def _inner(x, margin=1):
    return x[margin:-margin, margin:-margin]


@pytest.fixture
def image(rng):
    return rng.normal(size=(12, 15)).astype("float32")


SCIPY = {
    "sobel_x": lambda x: ndimage.sobel(x, 1, mode="constant"),
    "sobel_y": lambda x: ndimage.sobel(x, 0, mode="constant"),
    "prewitt_x": lambda x: ndimage.prewitt(x, 1, mode="constant"),
    "prewitt_y": lambda x: ndimage.prewitt(x, 0, mode="constant"),
    "laplacian": lambda x: ndimage.laplace(x, mode="constant"),
    "box": lambda x: ndimage.uniform_filter(x, 3, mode="constant"),
    "gaussian": lambda x: ndimage.gaussian_filter(x, 1.0, mode="constant"),
    "sharpen": lambda x: x - ndimage.laplace(x, mode="constant"),
}


@pytest.mark.parametrize("kind", SCIPY)
def test_filters_are_those_of_scipy(image, kind):
    np.testing.assert_allclose(
        _filtered(image, kind)[..., 0], SCIPY[kind](image), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("sigma", [0.5, 1.3, 2.0])
def test_a_gaussian_reaches_as_far_as_scipys(image, sigma):
    np.testing.assert_allclose(
        _filtered(image, "gaussian", sigma=sigma)[..., 0],
        ndimage.gaussian_filter(image, sigma, mode="constant"),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("name", ["sobel", "prewitt", "scharr"])
def test_edges_are_those_of_scikit_image(name):
    image = SKIMAGE["image"]
    # scikit-image divides by the weights, so that a step of 1 gives 1.
    scale = {"sobel": 4, "prewitt": 3, "scharr": 16}[name]
    for axis, direction in (("x", "v"), ("y", "h")):
        found = _filtered(image, f"{name}_{axis}")[..., 0] / scale
        expected = SKIMAGE[f"{name}_{direction}"]
        np.testing.assert_allclose(_inner(found), _inner(expected), atol=1e-5)


def test_the_gabor_bank_is_that_of_scikit_image():
    layer = ImageFilter2D(
        "gabor",
        size=int(SKIMAGE["gabor"].shape[1]),
        sigma=1.5,
        wavelength=4.0,
        aspect=0.75,
        phase=0.3,
        orientations=4,
    )
    found = np.moveaxis(layer.kernels(), -1, 0)
    # There the bell has a volume of one.
    volume = 2 * np.pi * 1.5 * (1.5 / 0.75)
    np.testing.assert_allclose(found / volume, SKIMAGE["gabor"], atol=1e-6)


@pytest.mark.once
def test_lines_and_reliefs_find_what_they_are_named_for():
    image = np.zeros((7, 7), "float32")
    image[:, 3] = 1
    assert _filtered(image, "vertical_line")[3, 3, 0] == 6
    assert _filtered(image, "horizontal_line")[3, 3, 0] == 0
    assert _filtered(image.T.copy(), "horizontal_line")[3, 3, 0] == 6
    # Relief leaves flat areas as they are, and lightens what rises to the lower right.
    flat = np.full((5, 5), 0.5, "float32")
    assert _filtered(flat, "emboss")[2, 2, 0] == pytest.approx(0.5)
    ramp = np.add.outer(np.arange(5.0), np.arange(5.0)).astype("float32")
    assert _filtered(ramp, "emboss")[2, 2, 0] > ramp[2, 2]


@pytest.mark.once
def test_channels_keep_to_themselves(rng):
    image = rng.normal(size=(1, 8, 9, 3)).astype("float32")
    y = keras.ops.convert_to_numpy(ImageFilter2D("gabor", 3, orientations=2)(image))
    assert y.shape == (1, 8, 9, 6)
    for channel in range(3):
        alone = ImageFilter2D("gabor", 3, orientations=2)(image[..., channel, None])
        np.testing.assert_allclose(
            y[..., 2 * channel : 2 * channel + 2],
            keras.ops.convert_to_numpy(alone),
            rtol=1e-4,
            atol=1e-5,
        )


@pytest.mark.parametrize("trained", [False, True])
def test_kernels_are_fixed_or_learned(trained, rng):
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            ImageFilter2D("sobel_x", trainable_kernel=trained, name="edges"),
            keras.layers.Conv2D(1, 3),
        ]
    )
    layer = model.get_layer("edges")
    assert len(layer.trainable_weights) == int(trained)
    before = keras.ops.convert_to_numpy(layer.kernel)
    model.compile("sgd", "mse")
    x = rng.normal(size=(4, 8, 8, 2)).astype("float32")
    model.fit(x, np.ones((4, 6, 6, 1), "float32"), verbose=0)
    after = keras.ops.convert_to_numpy(layer.kernel)
    assert np.array_equal(before, after) is not trained
    if trained:
        assert not np.array_equal(after[..., 0, 0], after[..., 1, 0])


@pytest.mark.once
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kind": "sobel"}, "Received: 'sobel'"),
        ({"kind": "sobel_x", "size": 5}, "always 3 x 3"),
        ({"kind": "gaussian", "sigma": 0}, "`sigma` is above 0"),
        ({"kind": "gabor", "orientations": 0}, "`orientations` is above 0"),
    ],
)
def test_what_is_wrong_is_said(options, says):
    with pytest.raises(ValueError, match=says):
        ImageFilter2D(**options)
