"""Drawings of a network have its sizes, and show where a unit looks."""

import keras
import numpy as np
import pytest
from drawn import title, values
from keras import layers

from keras_cnnzoo import build
from keras_cnnzoo.inspect import plot_dataflow, plot_receptive_field, receptive_field
from keras_cnnzoo.inspect.figures.pictures import as_picture

pytestmark = pytest.mark.once


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
    np.testing.assert_array_equal(values(axes), as_picture(image))
    assert len(axes.lines[0].get_xdata()) == 10 * 10
    assert "sees 14×14 pixels, step 2" in title(axes)
    assert "unit (4, 4)" in title(plot_receptive_field(model, image, "c3").axes[0])
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
