"""Calls of shared layers have names that no later layer changes."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo.inspect import activations, profile, receptive_field, tap
from keras_cnnzoo.inspect.trace.call_order import natural


def _branches(turned, name="shared"):
    """Build two branches through one layer, and a layer that takes both."""
    shared = layers.Conv2D(2, 1, name=name)
    inputs = keras.Input((8, 8, 3))
    narrow = layers.Conv2D(3, 1, name="branch_2")(inputs)
    wide = layers.Conv2D(3, 5, padding="same", name="branch_10")(inputs)
    both = [shared(narrow), shared(wide)]
    if turned:
        both.reverse()
    return keras.Model(inputs, layers.Concatenate(name="joined")(both))


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_a_later_layer_does_not_matter(turned, rng):
    model = _branches(turned)
    fields = receptive_field(model)
    assert fields["shared"].size == (1, 1)
    assert fields["shared:1"].size == (5, 5)
    images = rng.normal(size=(2, 8, 8, 3)).astype("float32")
    branches = {
        "shared": model.get_layer("branch_2")(images),
        "shared:1": model.get_layer("branch_10")(images),
    }
    maps = activations(model, images, "shared")
    assert set(maps) == set(branches)
    for name, x in branches.items():
        expected = keras.ops.convert_to_numpy(model.get_layer("shared")(x))
        np.testing.assert_allclose(maps[name], expected, rtol=1e-4, atol=1e-5)
    rows = {row.path: row.field.size for row in profile(model).rows}
    assert rows["shared"] == (1, 1)
    with tap(model, "shared") as seen:
        model(images)
    np.testing.assert_allclose(seen[0]["shared:1"], maps["shared:1"], rtol=1e-4)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("late", [False, True])
def test_the_first_input_of_a_model_comes_first(turned, late, rng):
    left, right = keras.Input((4,), name="z"), keras.Input((4,), name="a")
    shared = layers.Dense(3, name="shared")
    ways = [shared(right), shared(left)][:: -1 if late else 1]
    if turned:
        ways.reverse()
    model = keras.Model([left, right], layers.Subtract()(ways))
    x, y = rng.normal(size=(2, 5, 4)).astype("float32")
    maps = tap(model, "shared")([x, y])
    np.testing.assert_allclose(
        maps["shared"], keras.ops.convert_to_numpy(shared(x)), rtol=1e-5
    )
    np.testing.assert_allclose(
        maps["shared:1"], keras.ops.convert_to_numpy(shared(y)), rtol=1e-5
    )


@pytest.mark.once
def test_it_holds_inside_of_shared_models_and_after_loading(tmp_path):
    inputs = keras.Input((8, 8, 3))
    inner = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same", name="conv")],
        name="inner",
    )
    far = inner(layers.Conv2D(3, 1, name="point")(inner(inputs)))
    near = inner(inputs)
    model = keras.Model(inputs, layers.Add()([far, near]))
    turned = keras.Model(inputs, layers.Add()([near, far]))
    expected = [(3, 3), (3, 3), (5, 5)]
    path = tmp_path / "model.keras"
    model.save(path)
    models = [model, turned, keras.models.load_model(path)]
    for one in [*models, keras.models.clone_model(turned)]:
        fields = receptive_field(one)
        for layer in ("inner", "inner/conv"):
            names = (layer, f"{layer}:1", f"{layer}:2")
            assert [fields[name].size for name in names] == expected


@pytest.mark.once
def test_names_with_numbers_go_as_people_sort_them():
    names = ["conv_10", "conv_2", "conv", "b1_conv2", "b1_conv10", "b"]
    assert sorted(names, key=natural) == [
        "b",
        "b1_conv2",
        "b1_conv10",
        "conv",
        "conv_2",
        "conv_10",
    ]
