"""In a real browser, the arithmetic of a pixel is NumPy's, digit by digit."""

import keras
import numpy as np
import pytest
from browsing import go_to, numbers
from keras import layers

from keras_cnnzoo.inspect import explain, tap
from keras_cnnzoo.layers import PaddedMaxPooling2D

pytestmark = pytest.mark.once


def _expected(model, images, path, channel, pixel):
    """Return products, bias and sum of a pixel of LeNet-5, by NumPy in double."""
    order = ["normalization", "c1", "s2", "c3", "s4", "c5", "flatten", "f6", "head"]
    given = tap(model, order[order.index(path) - 1])(images)
    (x,) = given.values()
    x, layer = x[0].astype("float64"), model.get_layer(path)
    y, column = pixel or (0, 0)
    bias = float(layer.bias.numpy()[channel])
    if path in ("c1", "c5"):
        window = x[y : y + 5, column : column + 5]
        products = window * layer.kernel.numpy()[..., channel]
    elif path == "c3":
        seen = layer.connections[channel]
        first = sum(map(len, layer.connections[:channel]))
        kernel = layer.kernel.numpy()[..., first : first + len(seen)]
        products = x[y : y + 5, column : column + 5, seen] * kernel
    elif path in ("s2", "s4"):
        window = x[2 * y : 2 * y + 2, 2 * column : 2 * column + 2, channel]
        products = window * layer.coefficient.numpy()[channel]
    else:
        products = x * layer.kernel.numpy()[:, channel]
    return products.sum(), bias, products.sum() + bias


@pytest.mark.parametrize(
    ("path", "channel", "pixel"),
    [
        ("c1", 5, (27, 0)),
        ("s2", 2, (6, 13)),
        ("c3", 4, (9, 3)),
        ("s4", 15, (2, 2)),
        ("c5", 77, None),
        ("f6", 12, None),
        ("head", 3, None),
    ],
)
def test_arithmetic_equals_numpys(show, lenet, path, channel, pixel):
    model, images, report = lenet
    page = show(report)
    go_to(page, path, channel, pixel)
    products, bias, total = _expected(model, images, path, channel, pixel)
    read = numbers(page)
    assert read["products"] == pytest.approx(products, rel=1e-6, abs=1e-7)
    assert read.get("bias", 0.0) == bias
    assert read.get("sum", read["products"]) == pytest.approx(total, rel=1e-6, abs=1e-7)
    (output,) = tap(model, path)(images).values()
    value = output[
        (0, *pixel, channel) if output.ndim == 4 and pixel else (0, ..., channel)
    ]
    assert read["output"] == pytest.approx(float(np.squeeze(value)), rel=1e-6)


def test_windows_and_kernels_are_shown_digit_by_digit(show, lenet):
    model, images, report = lenet
    page = show(report)
    go_to(page, "c3", channel=0, pixel=(2, 7))
    page.click("text=Show all 6 input channels")
    (x,) = tap(model, "s2")(images).values()
    kernel = keras.ops.convert_to_numpy(model.get_layer("c3").effective_kernel())
    rows = page.query_selector_all(".term-row")
    assert len(rows) == 6
    for row in rows:
        channel = int(row.get_attribute("data-channel"))
        cells = [
            [
                float(c.get_attribute("data-value"))
                for c in grid.query_selector_all(".cell")
            ]
            for grid in row.query_selector_all(".grid")
        ]
        window, weights = (
            x[0, 2:7, 7:12, channel].ravel(),
            kernel[..., channel, 0].ravel(),
        )
        np.testing.assert_allclose(cells[0], window, rtol=1e-5, atol=1e-6)
        # Stored, not computed.
        assert np.array_equal(cells[1], weights.astype("float64"))
        np.testing.assert_allclose(cells[2], np.multiply(*cells[:2]), rtol=1e-15)


def test_layers_of_every_kind_are_computed_right(show, tmp_path, rng):
    model = keras.Sequential(
        [
            keras.Input((13, 12, 3)),
            layers.Conv2D(8, 3, 2, "same", activation="relu", name="conv"),
            layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="depth"),
            layers.BatchNormalization(name="bn"),
            layers.Conv2D(
                4, 3, groups=2, padding="same", dilation_rate=2, name="groups"
            ),
            PaddedMaxPooling2D(3, 2, padding=1, name="pool"),
            layers.AveragePooling2D(2, name="mean"),
            layers.GlobalAveragePooling2D(name="all"),
        ]
    )
    for weight in model.weights:
        low = 0.5 if "variance" in weight.path else -1
        weight.assign(rng.uniform(low, 1, weight.shape))
    images = rng.normal(size=(1, 13, 12, 3)).astype("float32")
    path = explain(model, images, tmp_path / "r.html")
    seen = tap(model, "*")(images)
    page = show(path)
    for name, output in seen.items():
        for channel in (0, output.shape[-1] - 1):
            # At the edge, where padding counts.
            pixel = None if output.ndim == 2 else (output.shape[1] - 1, 0)
            go_to(page, name, channel, pixel)
            value = float(output[(0, *(pixel or ()), channel)])
            read = numbers(page)
            last = read.get("output", read.get("sum", read.get("products")))
            assert last == pytest.approx(value, rel=1e-4, abs=1e-5), (name, channel)


def test_of_large_layers_the_highest_pixels_are_computed(show, tmp_path, rng):
    model = keras.Sequential(
        [
            keras.Input((40, 40, 32)),
            layers.Conv2D(16, 3, activation="relu", name="conv"),
        ]
    )
    images = rng.normal(size=(1, 40, 40, 32)).astype("float32")
    path = explain(model, images, tmp_path / "r.html", max_megabytes=0.5)
    maps = tap(model, "conv")(images)["conv"][0]
    page = show(path)
    shown = page.query_selector_all(".tile")
    channels = [int(tile.get_attribute("data-channel")) for tile in shown]
    peaks = maps.max((0, 1))
    # Strongest first.
    assert channels == sorted(channels, key=lambda c: -peaks[c])
    go_to(page, "conv", channels[1])
    assert numbers(page)["output"] == pytest.approx(float(peaks[channels[1]]), rel=1e-5)
    assert "The other 24 input channels together" in page.text_content("#arithmetic")
    go_to(page, "conv", channels[1], (0, 0))
    assert "the highest pixel of each channel" in page.text_content("#arithmetic")
    page.click("text=Show the highest pixel")
    assert numbers(page)["output"] == pytest.approx(float(peaks[channels[1]]), rel=1e-5)
