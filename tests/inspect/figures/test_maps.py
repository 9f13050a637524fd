"""Pictures of filters, maps and attributions have the values they are asked to show."""

import keras
import numpy as np
import pytest
from drawn import title, values
from keras import layers
from matplotlib.figure import Figure

from keras_cnnzoo import build
from keras_cnnzoo.inspect import plot_activations, plot_attribution, plot_filters
from keras_cnnzoo.inspect.figures.pictures import as_picture, brighten
from keras_cnnzoo.inspect.figures.style import draw_map

pytestmark = pytest.mark.once


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
    assert [title(axes) for axes in figure.axes] == ["0", "1", "2", "3"]
    for i, axes in enumerate(figure.axes):
        np.testing.assert_array_equal(values(axes), kernel[..., 0, i])
        low, high = axes.images[0].get_clim()
        assert -low == high == pytest.approx(np.abs(kernel[..., i]).max())


def test_filters_over_three_channels_are_colour_images_grey_where_zero():
    conv = _conv(3)
    conv.kernel.assign(conv.kernel.numpy() * (np.arange(3) < 2)[:, None, None, None])
    pixels = values(plot_filters(conv).axes[2])
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
        shown = [int(title(axes)) for axes in figure.axes[12 * row : 12 * row + 12]]
        assert shown == list(np.argsort(-norms)[:12])
        assert figure.axes[12 * row].get_ylabel() == str(row)
        first = values(figure.axes[12 * row])
        np.testing.assert_array_equal(first, kernel[..., shown[0], row])


def test_filters_of_other_convolutions():
    depthwise = _conv(4, kind=layers.DepthwiseConv2D, depth_multiplier=2)
    figure = plot_filters(depthwise)
    assert len(figure.axes) == 8
    kernel = keras.ops.convert_to_numpy(depthwise.kernel)
    np.testing.assert_array_equal(values(figure.axes[3]), kernel[..., 1, 1])
    lenet = build("lenet5")
    assert plot_filters(lenet).get_suptitle() == "c1: 6 filters of 5×5×1"
    some = plot_filters(lenet, limit=4).get_suptitle()
    assert some == "c1: 6 filters of 5×5×1, the first 4"
    conv = keras.layers.Conv2D(16, 1, name="deep")
    conv.build((None, 8, 8, 64))
    assert plot_filters(conv).get_suptitle().endswith("1×1×64, the first 12")
    # Not connected is zero.
    third = plot_filters(lenet, "c3")
    assert len(third.axes) == 12 * 6
    assert not values(third.axes[5]).any()
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
    order = [int(title(axes)) for axes in figure.axes]
    assert order == list(np.argsort(-peaks)[:4])
    for axes, channel in zip(figure.axes, order, strict=True):
        np.testing.assert_array_equal(values(axes), maps[1, ..., channel])
    by_number = plot_activations(maps, order="number", scale="common")
    assert [title(axes) for axes in by_number.axes] == [str(i) for i in range(10)]
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
    np.testing.assert_allclose(values(figure.axes[2]), maps[0, 2], rtol=1e-6)
    last = plot_activations(maps, order="number", data_format="channels_last")
    assert len(last.axes) == 5
    with pytest.raises(ValueError, match="`data_format` is 'channels_last'"):
        plot_activations(maps, data_format="first")


def test_attributions_lie_over_the_image(rng):
    image = rng.uniform(0, 255, (8, 6, 3))
    maps = {"saliency": rng.uniform(size=(8, 6)), "cam": np.zeros((1, 8, 6))}
    figure = plot_attribution(image, maps, title="a dog")
    assert [title(axes) for axes in figure.axes] == ["image", "saliency", "cam"]
    assert figure.get_suptitle() == "a dog"
    np.testing.assert_array_equal(values(figure.axes[0]), np.rint(image))
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


def test_pictures_have_visible_colours():
    with pytest.raises(ValueError, match=r"array of shape \(2, 3, 3, 3\)"):
        as_picture(np.zeros((2, 3, 3, 3)))
    assert as_picture(np.full((2, 2), 7)).tolist() == [[7, 7], [7, 7]]
    assert as_picture(np.full((1, 2, 2, 5), 0.5)).shape == (2, 2, 3)
    two = np.stack([np.zeros((2, 2)), np.full((2, 2), 100)], axis=-1)
    assert as_picture(two).tolist() == [[50, 50], [50, 50]]


def test_the_image_that_is_shown_of_several_is_named(rng):
    maps = rng.normal(size=(3, 4, 4, 2))
    assert plot_activations(maps).get_suptitle() == "image 0 of 3"
    named = plot_activations({"conv": maps}, image=-1, title="c1")
    assert named.get_suptitle() == "c1, image 2 of 3"
    assert plot_activations(maps[:1]).get_suptitle() == ""


def test_maps_of_one_pixel_are_bars():
    (axes,) = plot_activations(np.array([[[1.0, -2.0, 0.5]]])).axes
    assert [bar.get_height() for bar in axes.patches] == [1.0, -2.0, 0.5]


def test_several_images_each_with_its_attributions(rng):
    images, maps = rng.uniform(size=(2, 8, 8, 3)), rng.uniform(size=(2, 8, 8))
    figure = plot_attribution(images, {"cam": maps, "saliency": maps})
    assert [title(axes) for axes in figure.axes] == [
        *("image 0", "cam", "saliency"),
        *("image 1", "cam", "saliency"),
    ]
    with pytest.raises(ValueError, match="There are 2 maps"):
        plot_attribution(images[0], {"cam": maps})


@pytest.mark.once
def test_a_figure_shows_in_a_notebook_and_says_where_it_cannot():
    figure = plot_activations(np.ones((1, 4, 4, 2)))
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.warns(UserWarning, match="savefig"):
        figure.show()


@pytest.mark.parametrize(
    ("low", "high", "white", "strongest"),
    [
        (2, 5, 2, (5, "blue")),
        (-5, -2, -2, (-5, "orange")),
        (-5, 2, 0, (-5, "orange")),
    ],
)
def test_negative_values_are_orange_and_what_is_nearest_to_zero_white(
    low, high, white, strongest
):
    axes = Figure().add_subplot()
    drawn = draw_map(axes, np.linspace(low, high, 9).reshape(3, 3), low, high)
    assert drawn.to_rgba(white)[:3] == pytest.approx((1, 1, 1), abs=0.01)
    value, colour = strongest
    red, _, blue, _ = drawn.to_rgba(value)
    assert (red > blue) == (colour == "orange")
