"""The report holds what the network computes, and fits where it has to."""

import base64
import re

import keras
import numpy as np
import pytest
from keras import layers
from report_file import Page

from keras_cnnzoo import build
from keras_cnnzoo.inspect import explain, tap
from keras_cnnzoo.inspect.report.array_text import pack, quantise
from keras_cnnzoo.inspect.report.layer_text import describe


def test_shows_what_any_model_computes(large_once, tmp_path):
    _, model, about = large_once
    images = about.images()
    page = Page(
        explain(model, images, tmp_path / "r.html", attributions=(), max_megabytes=6)
    )
    assert page.bytes <= 6e6
    seen = tap(model, "*")(images)
    shown = 0
    for path, row in page.rows.items():
        assert list(seen[path].shape[1:][-len(row["shape"]) :]) == [
            n for n in row["shape"] if n > 1 or seen[path].ndim == 4
        ]
        assert row["params"] is not None
        if not row["channels"]:
            continue
        for i in range(2):
            maps = page.maps(path, i)
            true = np.asarray(seen[path][i], "float32").reshape(row["shape"])
            true = np.moveaxis(true, -1, 0)[row["channels"]]
            step = np.ptp(true, axis=(1, 2), keepdims=True) / 255
            size = np.abs(true).max() + 1e-6
            assert (np.abs(maps - true) <= 0.51 * step + 1e-5 * size).all(), path
            shown += 1
    assert shown >= 8
    answers = page.manifest["images"][1]["answers"]
    given = keras.ops.convert_to_numpy(model(images))[1]
    assert [answer["class"] for answer in answers[:3]] == list(np.argsort(-given)[:3])
    convolutions = [row for row in page.rows.values() if "convolution" in row["text"]]
    assert convolutions
    assert all(row["window"] and row["field"] for row in convolutions)


@pytest.mark.once
def test_explains_the_answers_of_any_model(subject, tmp_path):
    _, model, about = subject
    page = Page(explain(model, about.images(), tmp_path / "r.html", max_megabytes=6))
    assert page.manifest["failed"] == {}
    for name in ("grad_cam", "layer_cam", "saliency"):
        maps = page.arrays("a:1")[name]
        assert maps.shape == (3, *about.shape[:2])
        assert name != "saliency" or maps.any(axis=(1, 2)).all()


@pytest.mark.once
def test_numbers_behind_the_highest_pixels_are_those_of_the_convolution(rng, tmp_path):
    model = keras.Sequential(
        [
            keras.Input((12, 12, 30)),
            layers.Conv2D(
                8, 3, 2, "same", groups=2, bias_initializer="normal", name="conv"
            ),
        ]
    )
    x = rng.normal(size=(1, 12, 12, 30)).astype("float32")
    path = tmp_path / "r.html"
    page = Page(explain(model, x, path, max_megabytes=0.1))
    assert not page.rows["conv"]["window"]["full"]
    assert page.rows["conv"]["channels"] == list(range(8))
    got = page.arrays("m:0:conv")
    kernel, bias = (w.numpy().astype("float64") for w in model.layers[0].weights)
    padded = np.pad(x[0], [(0, 1), (0, 1), (0, 0)])
    for channel in range(8):
        y, column = divmod(int(got["place"][channel]), 6)
        group = slice(0, 15) if channel < 4 else slice(15, 30)
        window = padded[2 * y : 2 * y + 3, 2 * column : 2 * column + 3, group]
        sums = (window * kernel[..., channel]).sum((0, 1))
        most = np.argsort(-np.abs(sums))[:8]
        assert list(got["which"][channel]) == list(most + group.start)
        np.testing.assert_array_equal(
            got["window"][channel], np.moveaxis(window, -1, 0)[most]
        )
        rest = sums.sum() - sums[most].sum()
        total = sums.sum() + bias[channel]
        assert got["rest"][channel] == pytest.approx(rest, rel=1e-5, abs=1e-6)
        assert got["total"][channel] == pytest.approx(total, rel=1e-6)
        assert got["output"][channel] == pytest.approx(total, rel=1e-4, abs=1e-5)


@pytest.mark.once
def test_a_layer_that_computes_otherwise_has_no_arithmetic(rng, tmp_path):
    class Doubled(layers.Conv2D):
        def call(self, inputs):
            return 2 * super().call(inputs)

    model = keras.Sequential(
        [keras.Input((8, 8, 1)), Doubled(2, 3, name="a"), layers.Conv2D(2, 3, name="b")]
    )
    x = rng.normal(size=(2, 8, 8, 1))
    page = Page(explain(model, x, tmp_path / "r.html"))
    assert page.rows["a"]["window"] is None
    assert page.rows["b"]["window"]["full"]
    assert set(page.arrays("m:1:a")) == {"maps", "range", "mean", "zeros", "place"}


@pytest.mark.once
def test_size_is_kept_to(rng, tmp_path):
    model = build("lenet5")
    digit = rng.uniform(0, 255, (1, 32, 32, 1))
    assert explain(model, digit, tmp_path / "one.html").stat().st_size <= 2e6
    many = rng.uniform(0, 255, (8, 32, 32, 1))
    page = Page(explain(model, many, tmp_path / "many.html", max_megabytes=0.6))
    assert page.bytes <= 0.6e6
    assert len(page.manifest["images"]) == 8
    with pytest.raises(ValueError, match=r"MB\. Give fewer images"):
        explain(model, many, tmp_path / "less.html", max_megabytes=0.1)
    assert not (tmp_path / "less.html").exists()


@pytest.mark.once
def test_needs_nothing_from_elsewhere(tmp_path):
    page = Page(explain(build("lenet5"), np.zeros((1, 32, 32, 1)), tmp_path / "r.html"))
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)", page.text)
    assert "http:" not in page.text
    assert "https:" not in page.text
    assert "default-src 'none'" in page.text


@pytest.mark.once
def test_names_cannot_break_out_of_the_page(tmp_path):
    evil = "</script><script>alert(1)</script><!-- layers -->"
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(2)], name="a&b<i>"
    )
    page = Page(
        explain(
            *(model, np.zeros((1, 8, 8, 1)), tmp_path / "r.html"),
            class_names=[evil, "b"],
            captions=[evil],
        )
    )
    assert "<script>alert" not in page.text
    assert "<title>a&amp;b&lt;i&gt;, layer by layer</title>" in page.text
    assert page.manifest["images"][0]["caption"] == evil


@pytest.mark.once
def test_images_are_shown_in_visible_colours(tmp_path):
    import io

    from PIL import Image

    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Conv2D(2, 3)])
    x = np.linspace(-1, 1, 48).reshape(1, 4, 4, 3)
    own = np.arange(75, dtype="uint8").reshape(5, 5, 3)
    for given, pictures, expected in (
        (x, None, np.rint((x[0] + 1) * 127.5)),
        (x, [own], own),
        (np.abs(x), None, np.rint(np.abs(x[0]) * 255)),
        (np.rint(np.abs(x) * 255), None, np.rint(np.abs(x[0]) * 255)),
    ):
        page = Page(explain(model, given, tmp_path / "r.html", pictures=pictures))
        url = page.manifest["images"][0]["picture"].partition(",")[2]
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(url))))
        np.testing.assert_array_equal(shown, expected)


@pytest.mark.once
def test_what_has_no_answers_and_no_maps_is_still_shown(tmp_path):
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    tokens = layers.Reshape((16, 4), name="tokens")(x)
    model = keras.Model(inputs, [x, layers.Dense(2, name="head")(tokens)])
    page = Page(explain(model, np.ones((1, 6, 6, 3)), tmp_path / "r.html"))
    assert page.manifest["images"][0]["answers"] == []
    assert set(page.manifest["failed"]) == {"grad_cam", "layer_cam", "saliency"}
    assert page.rows["tokens"]["shape"] is None
    assert page.rows["tokens"]["channels"] is None
    assert page.rows["conv"]["channels"] == [0, 1, 2, 3]


@pytest.mark.once
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((8, 8, 1))}, r"Received an array of shape \(8, 8, 1\)"),
        ({"captions": ["a", "b"]}, "Received 2 for 1 images"),
        ({"pictures": []}, "Received 0 for 1 images"),
        ({"class_names": ["a"]}, "has 2 classes, but `class_names` has 1"),
        (
            {"attributions": ["gradcam"]},
            "no attribution method 'gradcam'. Choose from grad_cam",
        ),
    ],
)
def test_mistakes_are_named(changes, message, tmp_path):
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(2, 8), layers.Flatten()]
    )
    arguments = {"images": np.zeros((1, 8, 8, 1)), "path": tmp_path / "r.html"}
    with pytest.raises(ValueError, match=message):
        explain(model, **arguments | changes)


def test_channels_first(channels_first, rng, tmp_path):
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow convolves channels first on a GPU only")
    model = keras.Sequential([keras.Input((3, 8, 6)), layers.Conv2D(4, 3, name="c")])
    x = rng.normal(size=(1, 3, 8, 6)).astype("float32")
    page = Page(explain(model, x, tmp_path / "r.html"))
    assert page.manifest["model"]["input"] == [8, 6, 3]
    assert page.rows["c"]["shape"] == [6, 4, 4]
    assert page.rows["c"]["window"]["full"]
    true = keras.ops.convert_to_numpy(model(x))[0]
    assert np.abs(page.maps("c") - true).max() <= np.ptp(true) / 255


@pytest.mark.once
def test_quantised_maps_are_off_by_half_a_level_at_most(rng):
    maps = rng.normal(size=(5, 7, 3)) * [1, 1e-6, 1e6]
    levels, ranges = quantise(maps)
    low, high = ranges.T[..., None, None]
    back = np.moveaxis(low + levels * (high - low) / 255, 0, -1)
    assert (np.abs(back - maps) <= 0.501 / 255 * np.ptp(maps, axis=(0, 1))).all()
    flat, ends = quantise(np.full((2, 2, 1), 3.0))
    assert flat.max() == 0
    assert ends.tolist() == [[3, 3]]


@pytest.mark.once
def test_only_arrays_that_a_page_can_read_are_packed():
    with pytest.raises(TypeError, match="Received: float64"):
        pack({"x": np.zeros(3)})


@pytest.mark.once
@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (layers.DepthwiseConv2D(5, 2), "5×5 depthwise convolution, stride 2"),
        (
            layers.Conv2D(8, (1, 3), dilation_rate=2, groups=4),
            "1×3 convolution, 8 filters, dilation 2, 4 groups",
        ),
        (layers.MaxPooling2D(3, 2), "3×3 max pooling, stride 2"),
        (layers.ReLU(), "ReLU"),
        (layers.Activation("gelu"), "gelu"),
        (layers.Dense(10, activation="softmax"), "dense, 10 units, softmax"),
        (layers.GlobalAveragePooling2D(), "mean of each map"),
    ],
)
def test_layers_in_words(layer, words):
    assert describe(layer) == words
