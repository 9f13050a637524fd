"""Figures hold what they are asked to show: their pixels' values, labels and counts."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo import build
from keras_cnnzoo.inspect import (
    plot_activations,
    plot_attribution,
    plot_confusion,
    plot_dataflow,
    plot_filters,
    plot_history,
    plot_receptive_field,
    receptive_field,
)
from keras_cnnzoo.inspect.pictures import as_picture, brighten

pytestmark = pytest.mark.once


def _title(axes):
    return axes.get_title(loc="left")


def _values(axes):
    return np.asarray(axes.images[-1].get_array())


def _conv(inputs, filters=4, kernel=3, kind=layers.Conv2D, **kwargs):
    if kind is layers.DepthwiseConv2D:
        layer = kind(kernel, name="conv", **kwargs)
    else:
        layer = kind(filters, kernel, name="conv", **kwargs)
    layer.build((None, 8, 8, inputs))
    return layer


def test_filters_over_one_channel_are_drawn_with_zero_in_the_middle():
    conv = _conv(1)
    figure = plot_filters(conv)
    kernel = conv.kernel.numpy()
    assert [_title(axes) for axes in figure.axes] == ["0", "1", "2", "3"]
    for i, axes in enumerate(figure.axes):
        np.testing.assert_array_equal(_values(axes), kernel[..., 0, i])
        low, high = axes.images[0].get_clim()
        assert -low == high == pytest.approx(np.abs(kernel[..., i]).max())


def test_filters_over_three_channels_are_colour_images_grey_where_zero():
    conv = _conv(3)
    conv.kernel.assign(conv.kernel.numpy() * (np.arange(3) < 2)[:, None, None, None])
    pixels = _values(plot_filters(conv).axes[2])
    kernel = conv.kernel.numpy()[..., 2]
    assert pixels.shape == (3, 3, 3)
    assert (pixels[2] == 128).all()
    brightest = np.unravel_index(np.abs(kernel).argmax(), kernel.shape)
    assert pixels[brightest] in (0, 255)


def test_deep_filters_are_drawn_by_their_largest_slices():
    conv = _conv(20, filters=30)
    figure = plot_filters(conv, limit=5)
    assert len(figure.axes) == 5 * 12
    kernel = conv.kernel.numpy()
    for row in range(5):
        norms = np.sqrt((kernel[..., row] ** 2).sum((0, 1)))
        shown = [int(_title(axes)) for axes in figure.axes[12 * row : 12 * row + 12]]
        assert shown == list(np.argsort(-norms)[:12])
        assert figure.axes[12 * row].get_ylabel() == str(row)
        first = _values(figure.axes[12 * row])
        np.testing.assert_array_equal(first, kernel[..., shown[0], row])


def test_filters_of_other_convolutions():
    depthwise = _conv(4, kind=layers.DepthwiseConv2D, depth_multiplier=2)
    figure = plot_filters(depthwise)
    assert len(figure.axes) == 8
    kernel = keras.ops.convert_to_numpy(depthwise.kernel)
    np.testing.assert_array_equal(_values(figure.axes[3]), kernel[..., 1, 1])
    lenet = build("lenet5")
    assert plot_filters(lenet).get_suptitle() == "c1: 6 filters of 5×5×1"
    # Not connected is zero.
    third = plot_filters(lenet, "c3")
    assert len(third.axes) == 12 * 6
    assert not _values(third.axes[5]).any()
    with pytest.raises(TypeError, match="has no filters of height and width"):
        plot_filters(lenet, "f6")
    with pytest.raises(TypeError, match="holds no convolution"):
        plot_filters(keras.Sequential([keras.Input((4,)), layers.Dense(2)]))
    with pytest.raises(ValueError, match="matches 3: c1, c3, c5"):
        plot_filters(lenet, "c?")


def test_activations_strongest_first(rng):
    maps = rng.normal(size=(2, 6, 5, 10)).astype("float32")
    figure = plot_activations(maps, image=1, limit=4)
    peaks = maps[1].max((0, 1))
    order = [int(_title(axes)) for axes in figure.axes]
    assert order == list(np.argsort(-peaks)[:4])
    for axes, channel in zip(figure.axes, order, strict=True):
        np.testing.assert_array_equal(_values(axes), maps[1, ..., channel])
    by_number = plot_activations(maps, order="number", scale="common")
    assert [_title(axes) for axes in by_number.axes] == [str(i) for i in range(10)]
    bound = np.abs(maps[0]).max()
    assert all(
        axes.images[0].get_clim() == pytest.approx((-bound, bound))
        for axes in by_number.axes
    )


def test_activations_of_several_layers(rng):
    maps = {"a/conv": rng.normal(size=(1, 4, 4, 3)), "head": np.ones((1, 7))}
    figure = plot_activations({**maps, "b": rng.normal(size=(1, 2, 2, 20))})
    assert [f.get_suptitle() for f in figure.subfigs] == [
        "a/conv   4×4×3",
        "b   2×2×20",
    ]
    assert [len(f.axes) for f in figure.subfigs] == [3, 20]
    with pytest.raises(ValueError, match=r"no map of height and width in \['head'\]"):
        plot_activations({"head": maps["head"]})
    with pytest.raises(ValueError, match="There are 1 images"):
        plot_activations(maps["a/conv"], image=1)
    with pytest.raises(ValueError, match="`order` is one of"):
        plot_activations(maps, order="best")


def test_activations_channels_first(channels_first, rng):
    maps = rng.normal(size=(1, 3, 4, 5))
    figure = plot_activations(maps, order="number")
    assert len(figure.axes) == 3
    np.testing.assert_allclose(_values(figure.axes[2]), maps[0, 2], rtol=1e-6)
    last = plot_activations(maps, order="number", data_format="channels_last")
    assert len(last.axes) == 5
    with pytest.raises(ValueError, match="`data_format` is one of"):
        plot_activations(maps, data_format="first")


def test_attributions_lie_over_the_image(rng):
    image = rng.uniform(0, 255, (8, 6, 3))
    maps = {"saliency": rng.uniform(size=(8, 6)), "cam": np.zeros((1, 8, 6))}
    figure = plot_attribution(image, maps, title="a dog")
    assert [_title(axes) for axes in figure.axes] == ["image", "saliency", "cam"]
    assert figure.get_suptitle() == "a dog"
    np.testing.assert_array_equal(_values(figure.axes[0]), np.rint(image))
    overlay = figure.axes[1].images[1]
    np.testing.assert_allclose(
        overlay.get_array(), brighten(maps["saliency"]), rtol=1e-6
    )
    assert overlay.get_clim() == (0, 1)
    # What says nothing covers nothing.
    assert np.all(figure.axes[2].images[1].get_alpha() == 0)
    assert len(plot_attribution(image, [maps["saliency"]] * 3).axes) == 4
    with pytest.raises(ValueError, match=r"'' is \(3, 3\), and the image is \(8, 6\)"):
        plot_attribution(image, np.ones((3, 3)))


def _sizes(figure):
    return [text.get_text() for text in figure.axes[0].texts[::2]]


def test_dataflow_has_the_sizes_of_the_paper():
    figure = plot_dataflow(build("lenet5", preprocessing=False))
    # LeCun et al., 1998, figure 2.
    assert _sizes(figure) == (
        ["32×32×1", "28×28×6", "14×14×6", "10×10×16", "5×5×16", "120", "84", "10"]
    )
    names = [text.get_text() for text in figure.axes[0].texts[1::2]]
    assert names == ["image", "c1", "s2", "c3", "s4", "c5", "f6", "head"]


def test_dataflow_of_a_deep_network_goes_by_stages():
    # He et al., 2015, table 1.
    figure = plot_dataflow(build("resnet18", preprocessing=False), limit=6)
    assert _sizes(figure) == [
        *("224×224×3", "112×112×64", "56×56×64", "28×28×128", "14×14×256"),
        *("7×7×512", "1000"),
    ]


def test_dataflow_of_any_model(subject):
    name, model, about = subject
    figure = plot_dataflow(model, about.shape)
    sizes = _sizes(figure)
    assert sizes[0] == "×".join(map(str, about.shape))
    assert sizes[-1] == str(about.classes), name
    # Each box has three faces.
    assert len(figure.axes[0].patches) == 3 * len(sizes)


def test_dataflow_needs_a_size():
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match="takes images of any size"):
        plot_dataflow(model)
    assert _sizes(plot_dataflow(model, (9, 7, 3))) == ["9×7×3", "7×5×2"]


def test_receptive_field_is_where_it_is(rng):
    model = build("lenet5")
    image = rng.uniform(0, 255, (32, 32, 1))
    figure = plot_receptive_field(model, image, "c3", at=(2, 9))
    (axes,) = figure.axes
    (frame,) = axes.patches
    rows, columns = receptive_field(model, "c3")["c3"].region((2, 9))
    # Pixel n reaches from n - 0.5 to n + 0.5.
    assert frame.get_xy() == (columns.start - 0.5, rows.start - 0.5)
    assert frame.get_height() == rows.stop - rows.start
    np.testing.assert_array_equal(_values(axes), as_picture(image))
    assert len(axes.lines[0].get_xdata()) == 10 * 10
    assert "sees 14×14 pixels, step 2" in _title(axes)
    assert "unit (4, 4)" in _title(plot_receptive_field(model, image, "c3").axes[0])
    with pytest.raises(ValueError, match="has 10×10 units, counted from 0"):
        plot_receptive_field(model, image, "c3", at=(0, 10))
    with pytest.raises(ValueError, match="matches 2: s2, s4"):
        plot_receptive_field(model, image, "s?")


def test_receptive_field_of_a_second_call(rng):
    conv = layers.Conv2D(1, 3, padding="same", name="conv")
    model = keras.Sequential([keras.Input((8, 8, 1)), conv])
    inputs = keras.Input((8, 8, 1))
    twice = keras.Model(inputs, model(model(inputs)))
    with pytest.raises(ValueError, match="matches 2"):
        plot_receptive_field(twice, np.zeros((8, 8, 1)), conv)


def test_confusion_counts_true_by_row():
    truth, predicted = [0, 0, 1, 2, 2, 2], [0, 1, 1, 2, 2, 0]
    figure = plot_confusion(truth, ["a", "b", "c"], predicted=predicted, title="t")
    axes = figure.axes[0]
    cells = {tuple(map(int, t.get_position())): t.get_text() for t in axes.texts}
    # Column, row.
    expected = {(0, 0): "1", (1, 0): "1", (1, 1): "1", (2, 2): "2", (0, 2): "1"}
    assert cells == expected
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b", "c"]
    rows = np.eye(4)[predicted]
    same = plot_confusion(truth, predicted=rows)
    assert len(same.axes[0].get_yticks()) == 4
    assert len(plot_confusion(np.eye(3, dtype=int)).axes[0].texts) == 3
    with pytest.raises(ValueError, match="pass true classes with `predicted`"):
        plot_confusion(truth)
    with pytest.raises(ValueError, match="6 true classes and 2 predictions"):
        plot_confusion(truth, predicted=[0, 1])
    with pytest.raises(ValueError, match="3 classes and 1 names"):
        plot_confusion(np.eye(3, dtype=int), ["a"])


def test_confusion_is_that_of_scikit_learn(rng):
    from sklearn.metrics import confusion_matrix

    from keras_cnnzoo.inspect.figures.confusion import count_confusion

    truth, predicted = rng.integers(0, 7, (2, 200))
    expected = confusion_matrix(truth, predicted, labels=range(7))
    np.testing.assert_array_equal(count_confusion(truth, predicted), expected)


@pytest.mark.parametrize("kind", [dict, list, keras.callbacks.History])
def test_history_in_every_form(kind):
    columns = {
        "loss": [2.0, 1.0, 0.5],
        "val_loss": [2.1, 1.2, 1.3],
        "accuracy": [0.1, 0.5, 0.9],
        "c1/dead": [0, 0, 0],
    }
    history = columns
    if kind is list:
        rows = zip(*columns.values(), strict=True)
        history = [dict(zip(columns, row, strict=True)) for row in rows]
    elif kind is not dict:
        history = keras.callbacks.History()
        history.history = columns
    figure = plot_history(history, best_epoch=2)
    loss, accuracy = figure.axes
    assert [line.get_label() for line in loss.lines[:2]] == ["training", "validation"]
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), columns["loss"])
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), columns["val_loss"])
    assert loss.get_title(loc="right") == "kept: epoch 2, 1.2"
    assert accuracy.get_title(loc="right") == "kept: epoch 2, 50.00%"
    assert _title(accuracy) == "Accuracy"
    (chosen,) = plot_history(history, metrics=["c1/dead"]).axes
    assert _title(chosen) == "C1/dead"


def test_history_without_anything_to_draw():
    with pytest.raises(ValueError, match="a loss and metrics by epoch"):
        plot_history({"epoch": [1, 2]})
    with pytest.raises(ValueError, match=r"metrics=\['auc'\]"):
        plot_history({"loss": [1.0]}, metrics=["auc"])


def test_pictures_have_visible_colours():
    with pytest.raises(ValueError, match=r"array of shape \(2, 3, 3, 3\)"):
        as_picture(np.zeros((2, 3, 3, 3)))
    assert as_picture(np.full((2, 2), 7)).tolist() == [[7, 7], [7, 7]]
    assert as_picture(np.full((1, 2, 2, 5), 0.5)).shape == (2, 2, 3)
    two = np.stack([np.zeros((2, 2)), np.full((2, 2), 100)], axis=-1)
    assert as_picture(two).tolist() == [[50, 50], [50, 50]]


def test_pyplot_is_left_alone():
    # Keras itself imports pyplot where it is installed.
    code = (
        "import sys, keras, numpy as np\n"
        "before = {n for n in sys.modules if n.startswith('matplotlib')}\n"
        "from keras_cnnzoo import inspect\n"
        "assert {n for n in sys.modules if n.startswith('matplotlib')} == before\n"
        "inspect.plot_activations(np.zeros((4, 4, 2))).canvas.draw()\n"
        "inspect.plot_history({'loss': [1.0]})\n"
        "import matplotlib.pyplot\n"
        "assert matplotlib.pyplot.get_fignums() == []\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
