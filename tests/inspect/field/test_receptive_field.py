"""Receptive fields: the published numbers, and what gradients show."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_cnnzoo import build
from keras_cnnzoo.inspect import ReceptiveField, receptive_field
from keras_cnnzoo.inspect.trace.calls import RAW, OpCall
from keras_cnnzoo.inspect.trace.dataflow import dataflow

#: Araujo et al., Distill 2019, and the table of their library, google-research/
#: receptive_field, RECEPTIVE_FIELD_TABLE.md: size, stride and "effective padding" at
#: 224 pixels. None: the two paddings differ, TF-Slim's "same" and ours of Caffe.
#: TF-Slim's ResNets stride in the last block of a stage, the paper's in the next's
#: first 1x1; all sizes are the same, and the strides at the end.
PUBLISHED = {
    "alexnet_2012": {  # TF-Slim's "alexnet_v2" has its arithmetic
        "conv1": (11, 4, 0),
        "pool1": (19, 8, 0),
        "conv2": (51, 8, 16),
        "conv3": (99, 16, 32),
        "conv4": (131, 16, 48),
        "conv5": (163, 16, 64),
        "pool5": (195, 32, 64),
    },
    "vgg16": {
        "stage1_pool": (6, 2, 2),
        "stage2_pool": (16, 4, 6),
        "stage3_conv1": (24, 4, 10),
        "stage3_pool": (44, 8, 18),
        "stage4_pool": (100, 16, 42),
        "stage5_conv2": (164, 16, 74),
        "stage5_pool": (212, 32, 90),
    },
    "bn_inception": {"stage5_block3": (699, 32, 318)},
    "inception_v3": {
        "stage3_block1": (63, 8, 18),
        "stage5_block3": (1311, 32, 618),
    },
    "inception_v4": {"stage5_block4": (2071, 32, 998)},
    "inception_resnet_v2": {"top_relu": (3039, 32, 1482)},
    "mobilenet_v1": {
        "stage2_block2_pw_conv": (19, 4, None),
        "stage5_block2_pw_conv": (315, 32, None),
    },
    "resnet50_v1": {
        "stage1_block3": (35, 4, None),
        "stage2_block4": (99, 8, None),
        "stage3_block6": (291, 16, None),
        "stage4_block3": (483, 32, None),
    },
    "resnet101_v1": {"stage4_block3": (1027, 32, None)},
    "resnet152_v1": {"stage4_block3": (1507, 32, None)},
}
#: Built in a second or two.
QUICK = ("alexnet_2012", "vgg16", "inception_v3", "mobilenet_v1", "resnet50_v1")
#: Their fully connected layers are large, and their weights are not looked at.
SMALLER = {"alexnet_2012": {"classes": 0}, "vgg16": {"classes": 0}}


@pytest.mark.once
@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in PUBLISHED],
)
def test_fields_are_the_published_ones(name):
    fields = receptive_field(build(name, **SMALLER.get(name, {})))
    for path, (size, stride, padding) in PUBLISHED[name].items():
        field = fields[path]
        assert field.size == (size, size), path
        assert field.stride == (stride, stride), path
        if padding is not None:
            assert field.start == (-padding, -padding), path


@pytest.mark.once
def test_tensorflow_padding_is_the_published_one():
    # Keras's MobileNet pads as TF-Slim's does; the table's row is 315, 32, 126.
    model = keras.applications.MobileNet(weights=None, include_top=False)
    field = receptive_field(model, input_shape=(224, 224, 3))["conv_pw_13_relu"]
    assert field == ReceptiveField((315, 315), (32, 32), (-126, -126))


def _positive(model):
    """Make every weight positive, so that no unit is dead and no gradient cancels."""
    for i, weight in enumerate(model.weights):
        rng = np.random.default_rng(i)
        weight.assign(rng.uniform(0.5, 1.0, weight.shape))


def _all_kinds():
    """Build a model that has one of everything that a field goes through."""
    inputs = keras.Input((33, 29, 3))
    x = layers.Conv2D(4, (5, 3), strides=(2, 1), padding="same", name="uneven")(inputs)
    x = layers.AveragePooling2D((1, 2), name="pool")(x)
    a = layers.SeparableConv2D(4, 3, padding="same", dilation_rate=2, name="dilated")(x)
    b = layers.DepthwiseConv2D(3, name="depthwise")(x)
    b = layers.ZeroPadding2D(((0, 2), (1, 1)), name="padded")(b)
    x = layers.Concatenate(name="joined")([a, b])
    x = layers.Conv2D(8, 2, strides=2, name="grouped", groups=2)(x)
    first, second = ops.split(x, 2, axis=-1)
    x = layers.Add(name="added")([first, ops.flip(ops.flip(second, 2), 2)])
    x = ops.transpose(ops.transpose(x, (0, 2, 1, 3)), (0, 2, 1, 3))
    x = layers.UpSampling2D(2, name="larger")(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="transposed")(x)
    x = layers.Cropping2D(((3, 0), (2, 1)), name="cropped")(x)
    x = layers.Conv2D(4, 3, name="last")(x)
    return keras.Model(inputs, x)


def test_measured_is_computed_where_all_weights_are_positive():
    model = _all_kinds()
    _positive(model)
    computed = receptive_field(model)
    measured = receptive_field(model, empirical=True)
    assert set(measured) == set(computed)
    for path, field in computed.items():
        _assert_within(measured[path], field, path)
        if path not in ("larger", "transposed", "cropped", "last"):
            assert measured[path] == field, path
    # Two units of an enlarged map see the same; an interval that steps by half a stride
    # holds what both see, and so is wider than either, by a stride for each enlarging.
    last, least = computed["last"], measured["last"]
    assert all(n - m <= 4 + 2 for n, m in zip(last.size, least.size, strict=True))


def _assert_within(inner, outer, path=""):
    for axis in range(2):
        assert inner.start[axis] >= outer.start[axis] - 1e-6, path
        end = inner.start[axis] + inner.size[axis]
        assert end <= outer.start[axis] + outer.size[axis] + 1e-6, path


CHOSEN = {
    "resnet18": "*block1",
    "mobilenet_v2": "block_[1-6]_project",
    "keras_hub": "*add",
}


def test_measured_lies_within_computed(large_once):
    name, model, about = large_once
    computed = receptive_field(model, input_shape=about.shape)
    chosen = CHOSEN.get(name, keras.layers.Layer)
    measured = receptive_field(model, chosen, input_shape=about.shape, empirical=True)
    assert measured
    for path, field in measured.items():
        _assert_within(field, computed[path], path)


def test_every_layer_of_every_kind_of_model(subject):
    name, model, about = subject
    found = receptive_field(model)
    assert not any(
        isinstance(step, OpCall) and step.op in (RAW, None)
        for step in dataflow(model, about.shape)
    )
    kinds = {
        "resnet18": ("stage4_block2/conv2", 435, 32),
        "lenet5": ("c5", 32, 4),
        "mobilenet_v2": ("Conv_1", 491, 32),
        "sequential": ("conv2", 8, 2),
        "nested": ("backbone/conv", 5, 1),
        "subclassed": ("conv2:1", 7, 1),
        "keras_hub": None,
    }
    if kinds[name] is None:
        # A 3x3 of stride 2, pooling 3x3 by 2, and two blocks of two 3x3.
        (field,) = [f for path, f in found.items() if path.endswith("block1_2_conv")]
        assert (field.size, field.stride) == ((39, 39), (4, 4))
    else:
        path, size, stride = kinds[name]
        assert found[path].size == (size, size)
        assert found[path].stride == (stride, stride)


@pytest.mark.once
def test_a_gate_sees_everything_and_can_be_left_out():
    inputs = keras.Input((20, 20, 8))
    x = layers.Conv2D(8, 3, name="conv")(inputs)
    gate = layers.Dense(8)(layers.GlobalAveragePooling2D(keepdims=True)(x))
    model = keras.Model(inputs, layers.Multiply(name="gated")([x, gate]))
    assert receptive_field(model)["gated"] == ReceptiveField((20, 20), (0, 0), (0, 0))
    local = receptive_field(model, averages=False)["gated"]
    assert local == ReceptiveField((3, 3), (1, 1), (0, 0))


@pytest.mark.once
@pytest.mark.parametrize("name", ["resnest26d", "sk_resnet18", "se_resnet18"])
def test_split_attention_and_gates_see_the_whole_image(name):
    model = build(name, input_shape=(64, 64, 3))
    assert receptive_field(model)["stage1_block2"].stride == (0, 0)
    local = receptive_field(model, averages=False)["stage4_block2"]
    assert local.stride == (32, 32)


@pytest.mark.once
def test_what_pools_over_an_image_of_unknown_size_sees_without_end():
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            layers.Conv2D(4, 3, strides=2, padding="same", name="conv"),
            layers.GlobalMaxPooling2D(name="pool"),
        ]
    )
    fields = receptive_field(model)
    assert fields["conv"] == ReceptiveField((3, 3), (2, 2), (0, 0))
    assert fields["pool"].size == (np.inf, np.inf)
    assert fields["pool"].region((0, 0), (50, 40)) == (slice(0, 50), slice(0, 40))
    with pytest.raises(ValueError, match="Pass `image_size"):
        fields["pool"].region((0, 0))
    # "same" pads an odd side on both ends.
    odd = receptive_field(model, input_shape=(33, 32, 3))
    assert odd["conv"].start == (-1, 0)
    assert odd["pool"].size == (35, 33)


@keras.saving.register_keras_serializable("tests")
class Foreign(keras.layers.Layer):
    """A block whose `call` has the backend's own functions between its layers."""

    def __init__(self):
        super().__init__()
        self.conv1 = layers.Conv2D(4, 3, padding="same", name="conv1")
        self.conv2 = layers.Conv2D(4, 3, padding="same", name="conv2")

    def call(self, x):
        y = _relu(self.conv1(x))
        return _relu(self.conv2(y)) + y


def _relu(x):
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.nn.relu(x)
    if backend == "jax":
        import jax

        return jax.nn.relu(x)
    import torch

    return torch.relu(x)


def test_foreign_code_between_layers_works_pixel_by_pixel():
    inputs = keras.Input((12, 12, 3))
    x = Foreign()(inputs)
    model = keras.Model(inputs, layers.Conv2D(2, 3, name="conv")(x))
    fields = receptive_field(model)
    assert fields["foreign/conv1"].size == (3, 3)
    assert fields["foreign/conv2"].size == (5, 5)
    assert fields["foreign"].size == (5, 5)
    assert fields["conv"].size == (7, 7)


@pytest.mark.once
def test_following_a_model_leaves_it_as_it_is():
    model = build("lenet5")
    before = [(layer.name, vars(layer).copy()) for layer in model.layers]
    call = keras.layers.Layer.__call__
    symbolic = keras.Operation.symbolic_call
    receptive_field(model)
    assert keras.layers.Layer.__call__ is call
    assert keras.Operation.symbolic_call is symbolic
    for layer, (name, held) in zip(model.layers, before, strict=True):
        assert layer.name == name
        assert len(layer._inbound_nodes) == len(held["_inbound_nodes"]) == 1


@pytest.mark.once
def test_channels_first_is_the_same(channels_first):
    inputs = keras.Input((3, 20, 18))
    x = layers.Conv2D(4, (3, 5), strides=2, name="conv")(inputs)
    model = keras.Model(inputs, layers.BatchNormalization(1, name="bn")(x))
    fields = receptive_field(model)
    assert fields["bn"] == ReceptiveField((3, 5), (2, 2), (0, 0))


@pytest.mark.once
def test_one_and_three_dimensions():
    inputs = keras.Input((40, 2))
    x = layers.Conv1D(4, 5, dilation_rate=3, padding="causal", name="causal")(inputs)
    model = keras.Model(inputs, layers.LSTM(3, return_sequences=True, name="lstm")(x))
    fields = receptive_field(model)
    assert fields["causal"] == ReceptiveField((13,), (1,), (-12,))
    assert fields["lstm"].size == (52,)
    inputs = keras.Input((9, 8, 7, 1))
    model = keras.Model(inputs, layers.Conv3D(2, (1, 2, 3), name="conv")(inputs))
    assert receptive_field(model)["conv"].size == (1, 2, 3)


@pytest.mark.once
def test_what_cannot_be_followed_is_said():
    a, b = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    two = keras.Model([a, b], layers.Add()([a, b]), name="two")
    with pytest.raises(ValueError, match="'two' takes 2 inputs"):
        receptive_field(two)
    one = keras.Sequential([keras.Input((None, None, 3)), layers.ReLU(name="act")])
    with pytest.raises(ValueError, match="Pass `input_shape="):
        receptive_field(one, empirical=True)
    with pytest.raises(ValueError, match="Near: act"):
        receptive_field(one, "acts")
