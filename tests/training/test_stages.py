"""Where the stages of a network begin, by its names or by its resolution."""

import keras
import pytest
from keras import layers

from keras_cnnzoo import build
from keras_cnnzoo.layers import ResidualBlock
from keras_cnnzoo.training import freeze
from keras_cnnzoo.training.stages import stages

pytestmark = pytest.mark.once

#: The first layer of each stage. Those of Keras Applications are found by resolution.
FIRST = {
    "resnet18": ("stem_conv", *(f"stage{n}_block1" for n in (1, 2, 3, 4)), "head"),
    "convnext_v2_atto": (
        *("stem_conv", "stage1_block1_dw_conv"),
        *(f"stage{n}_down_ln" for n in (2, 3, 4)),
        "head",
    ),
    "vgg11": (*(f"stage{n}_conv1" for n in (1, 2, 3, 4, 5)), "fc1", "fc2", "head"),
    "squeezenet1_1": (
        *("stem_conv", "stage1_fire2_squeeze", "stage2_fire4_squeeze"),
        *("stage3_fire6_squeeze", "head"),
    ),
    "alexnet": ("conv1", "conv2", "conv3", "fc6", "fc7", "head"),
    "mlp": ("dense1", "dense2", "head"),
    "keras_resnet50": (
        *("conv1_conv", *(f"conv{n}_block1_1_conv" for n in (2, 3, 4, 5))),
        "predictions",
    ),
    "keras_mobilenet": (
        *("conv1", "conv_dw_2", "conv_dw_4", "conv_dw_6", "conv_dw_12"),
        "conv_preds",
    ),
    "keras_efficientnetb0": (
        *("stem_conv", "block2a_dwconv", "block3a_dwconv", "block4a_dwconv"),
        *("block6a_dwconv", "predictions"),
    ),
}


@pytest.mark.parametrize("name", FIRST)
def test_stages_begin_where_the_network_says(name):
    found = stages(build(name))
    assert tuple(stage[0][-1].name for stage in found) == FIRST[name]


def test_stages_of_a_nested_model_are_those_of_its_layers():
    base = build("resnet18", input_shape=(64, 64, 3), classes=0)
    model = keras.Sequential([base, layers.Flatten(), layers.Dense(3, name="mine")])
    assert [s[0][-1].name for s in stages(model)] == [*FIRST["resnet18"][:-1], "mine"]


def test_frozen_layers_count_and_constants_do_not():
    def names(model):
        return [path[-1].name for stage in stages(model) for path in stage]

    model = build("lenet5")
    assert names(freeze(build("lenet5"))) == ["normalization", *names(model)]


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_resolution_is_read_in_the_models_data_format(data_format):
    last = data_format == "channels_last"
    inputs = keras.Input((32, 32, 3) if last else (3, 32, 32))
    settings = {"padding": "same", "data_format": data_format}
    x = layers.Conv2D(4, 3, name="first", **settings)(inputs)
    x = layers.Conv2D(64, 3, name="second", **settings)(x)
    x = ResidualBlock(8, strides=2, name="third", data_format=data_format)(x)
    x = layers.GlobalAveragePooling2D(data_format=data_format)(x)
    model = keras.Model(inputs, layers.Dense(2, name="last")(x))
    assert [[p[-1].name for p in stage] for stage in stages(model)] == [
        ["first", "second"],
        ["third"],
        ["last"],
    ]


def test_unknown_sizes_make_one_stage_before_the_head():
    model = build("keras_mobilenet", input_shape=(None, None, 3), alpha=0.25)
    assert len(stages(model)) == 2
