"""find: patterns, paths, classes, layers, and what it says when nothing matches."""

import keras
import pytest
from keras import layers

from keras_cnnzoo.inspect import CONVOLUTION, find, layer_paths
from keras_cnnzoo.layers import InstrumentedConv2D, ResidualBlock
from keras_cnnzoo.structure.hidden import why_hidden

EXAMPLES = {
    "resnet18": ("stage3_block1/conv2", layers.Conv2D, 20),
    "lenet5": ("c3", layers.Layer, 3),
    "mobilenet_v2": ("block_5_depthwise", layers.DepthwiseConv2D, 52),
    "sequential": ("conv2", layers.Conv2D, 2),
    "nested": ("backbone/stem/conv", layers.Conv2D, 2),
    "subclassed": ("conv2", layers.Conv2D, 2),
    "keras_hub": ("res_net_backbone/stack0_block1_2_conv", layers.Conv2D, 5),
}


def test_every_layer_has_a_path(subject):
    name, model, _ = subject
    path, kind, convolutions = EXAMPLES[name]
    paths = layer_paths(model)
    assert isinstance(paths[path], kind)
    assert len({id(layer) for layer in paths.values()}) == len(paths)
    assert len(find(model, CONVOLUTION)) == convolutions
    # Every weight belongs to a layer that has a path.
    held = {id(w) for layer in paths.values() for w in layer.weights}
    assert {id(w) for w in model.weights} <= held


@pytest.fixture(scope="module")
def model():
    """Build `image`, `stem`, `stage1_block1/...`, `inner/conv`, `conv`, `head`."""
    inner = keras.Sequential(
        [keras.Input((8, 8, 4)), layers.Conv2D(4, 1, name="conv")], name="inner"
    )
    inputs = keras.Input((8, 8, 3), name="image")
    x = InstrumentedConv2D(4, 1, name="stem")(inputs)
    x = inner(ResidualBlock(4, name="stage1_block1")(x))
    x = layers.Conv2D(4, 1, name="conv")(x)
    return keras.Model(inputs, layers.Dense(2, name="head")(x), name="example")


@pytest.mark.once
@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("conv", ["inner/conv", "conv"]),
        ("inner/*", ["inner/conv"]),
        ("*/conv?", ["stage1_block1/conv1", "stage1_block1/conv2"]),
        ("stage1_block1/conv[2-9]", ["stage1_block1/conv2"]),
        (InstrumentedConv2D, ["stem"]),
        (layers.Dense | InstrumentedConv2D, ["stem", "head"]),
        (["head", "inner/*", "head"], ["inner/conv", "head"]),
        (("h*", ResidualBlock), ["stage1_block1", "head"]),
        (
            CONVOLUTION,
            [
                "stem",
                "stage1_block1/conv1",
                "stage1_block1/conv2",
                "inner/conv",
                "conv",
            ],
        ),
    ],
)
def test_what_a_selection_names(model, selection, expected):
    assert list(find(model, selection)) == expected


@pytest.mark.once
def test_a_layer_itself(model):
    layer = model.get_layer("inner").get_layer("conv")
    assert find(model, layer) == find(model, [layer]) == {"inner/conv": layer}


@pytest.mark.once
@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ("stge1_block1", "'example' matches 'stge1_block1'. Near: stage1_block1"),
        ("Conv*", "Near: .*conv"),
        ("inner/cov", "Near: inner/conv"),
        ("zzzz", "Nothing is near"),
        (
            "stage*conv2",
            r"own names.* 'stage\*/conv2' matches 1 layer, such as 'stage1",
        ),
        ("st*ge1*conv?", r"'st\*ge1\*/conv\?' matches 2 layers"),
        ("inn*onv", r"'inn\*/\*onv' matches 1 layer, such as 'inner/conv'"),
        ("block1/conv2", r"whole paths. '\*block1/conv2' matches 1 layer"),
        ("stage1_block1.conv2", "'stage1_block1/conv2' matches 1 layer"),
        ("example/inner/conv", "'inner/conv' matches 1 layer"),
        ("/inner/c*", r"'inner/c\*' matches 1 layer"),
        ("head:1", r"matches 'head:1'\. 'head' matches 1 layer"),
        (layers.LSTM, "InputLayer"),
        (["head", "hed"], "'hed'.* Near: head"),
        (layers.ReLU(name="stranger"), "stranger"),
    ],
)
def test_nothing_matches(model, selection, message):
    with pytest.raises(ValueError, match=message):
        find(model, selection)


@pytest.mark.once
def test_two_of_one_name_and_one_of_two_places():
    shared = layers.Dense(4, name="shared")

    class Pair(keras.Model):
        def __init__(self):
            super().__init__()
            self.parts = {"a": [layers.ReLU(name="act")], "b": (shared,)}
            self.again = shared
            self.act = layers.ReLU(name="act")

    paths = layer_paths(Pair())
    assert sorted(paths) == ["act", "act#2", "shared"]
    assert paths["shared"] is shared


@pytest.mark.once
def test_names_that_look_like_patterns_are_found_as_they_are():
    names = ["conv[0]", "conv[1]", "conv0", "what?", "all*", "all"]
    model = keras.Sequential([keras.Input((4,)), *(layers.ReLU(name=n) for n in names)])
    for name in names:
        assert list(find(model, name)) == [name]
    assert list(find(model, "conv[[]*")) == ["conv[0]", "conv[1]"]
    assert list(find(model, "conv[01]")) == ["conv0"]
    assert list(find(model, "all[*]")) == ["all*"]
    outer = keras.Sequential([model], name="outer")
    model.name = "inner[a]"
    assert list(find(outer, "inner[a]/conv[1]")) == ["inner[a]/conv[1]"]


@pytest.mark.once
def test_what_runs_in_loops_says_why_it_is_not_seen():
    clip = keras.Input((5, 8, 8, 3))
    inner = keras.Sequential([layers.Conv2D(2, 3, name="conv")], name="inner")
    x = layers.TimeDistributed(inner, name="frames")(clip)
    x = layers.Reshape((5, -1))(x)
    x = layers.Bidirectional(layers.LSTM(2, name="lstm"), name="both")(x)
    model = keras.Model(clip, layers.GRU(2, name="gru")(layers.Reshape((1, 4))(x)))
    paths = layer_paths(model)
    hidden = {path: why_hidden(model, path) for path in paths}
    assert hidden["frames"] is None
    assert (
        "take 'frames', whose output is that of its layer"
        in hidden["frames/inner/conv"]
    )
    cells = [path for path in paths if path.endswith("_cell")]
    assert cells
    assert all("without being called" in hidden[path] for path in cells)
