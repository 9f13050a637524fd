"""LeNet-5 against the paper's numbers and against PyTorch's arithmetic."""

import keras
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from keras_cnnzoo import build
from keras_cnnzoo.inspect import count_params
from keras_cnnzoo.models.lenet import TABLE_I, digit_codes

# Section II.B and figure 2: name: (parameters, connections)
PAPER = {
    "c1": (156, 122_304),
    "s2": (12, 5_880),
    "c3": (1_516, 151_600),
    "s4": (32, 2_000),
    "c5": (48_120, 48_120),
    "f6": (10_164, 10_164),
}

# Table I as printed: a row for each map of S2, a column for each map of C3.
PRINTED = """
X . . . X X X . . X X X X . X X
X X . . . X X X . . X X X X . X
X X X . . . X X X . . X . X X X
. X X X . . X X X X . . X . X X
. . X X X . . X X X X . X X . X
. . . X X X . . X X X X . X X X
"""


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (3, 32, 32, 1)).astype("float32")


def test_every_layer_has_the_papers_size():
    model = build("lenet5")
    for name, (params, connections) in PAPER.items():
        layer = model.get_layer(name)
        pixels = np.prod(layer.output.shape[1:3]) if len(layer.output.shape) > 2 else 1
        # A sub-sampling unit shares one coefficient among its four connections.
        shared = 5 / 2 if name.startswith("s") else 1
        assert layer.count_params() == params
        assert params * shared * pixels == connections
    assert model.get_layer("head").count_params() == 850
    assert count_params(model) == 60_850


def test_connections_are_table_i():
    rows = [line.split() for line in PRINTED.strip().split("\n")]
    columns = [
        tuple(i for i, row in enumerate(rows) if row[f] == "X") for f in range(16)
    ]
    assert list(TABLE_I) == columns


def test_rbf_head_adds_nothing_to_train():
    model = build("lenet5", head="rbf")
    assert count_params(model) == 60_000
    codes = model.get_layer("head").codes
    assert not codes.trainable
    assert tuple(codes.shape) == (10, 84)


def test_rbf_answers_the_digit_whose_picture_f6_shows():
    head = build("lenet5", head="rbf").get_layer("head")
    pictures = np.array(digit_codes(), "float32")
    probabilities = keras.ops.convert_to_numpy(head(pictures))
    assert (probabilities.argmax(1) == np.arange(10)).all()
    # The pictures lie far apart, at a squared distance of 4 for each pixel.
    assert probabilities.max(1).min() > 0.999


def _tanh(x):
    return 1.7159 * torch.tanh(2 * x / 3)


def _pytorch(images, weights, head):
    """The paper's equations, with the kernels of C3 laid out in full."""
    w = {k: [torch.tensor(a) for a in v] for k, v in weights.items()}
    x = torch.tensor(images[..., 0])[:, None] * (1.275 / 255) - 0.1
    x = _tanh(F.conv2d(x, w["c1"][0].permute(3, 2, 0, 1), w["c1"][1]))
    x = _shrink(x, *w["s2"])
    kernel, at = torch.zeros(16, 6, 5, 5), 0
    for f, maps in enumerate(TABLE_I):
        for m in maps:
            kernel[f, m] = w["c3"][0][:, :, at]
            at += 1
    x = _tanh(F.conv2d(x, kernel, w["c3"][1]))
    x = _shrink(x, *w["s4"])
    x = _tanh(F.conv2d(x, w["c5"][0].permute(3, 2, 0, 1), w["c5"][1]))
    x = _tanh(x.flatten(1) @ w["f6"][0] + w["f6"][1])
    if head == "rbf":
        return -((x[:, None] - w["head"][0]) ** 2).sum(-1)
    return x @ w["head"][0] + w["head"][1]


def _shrink(x, coefficient, bias):
    total = 4 * F.avg_pool2d(x, 2)
    return _tanh(total * coefficient[:, None, None] + bias[:, None, None])


@pytest.mark.parametrize("head", ["softmax", "rbf"])
def test_forward_is_the_papers_arithmetic(images, head):
    model = build("lenet5", classifier_activation=None, head=head)
    for layer in model.layers:  # the paper's start values hardly reach the head
        if layer.trainable_weights:
            layer.set_weights([w * 3 for w in layer.get_weights()])
    weights = {layer.name: layer.get_weights() for layer in model.layers}
    expected = _pytorch(images, weights, head).numpy()
    got = model.predict(images, verbose=0)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_channels_first_is_the_same_network(images, request):
    last = build("lenet5")
    expected = last.predict(images, verbose=0)
    request.getfixturevalue("channels_first")
    first = build("lenet5")
    first.set_weights(last.get_weights())
    got = first.predict(np.moveaxis(images, -1, 1), verbose=0)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


def test_paper_is_minus_a_tenth_and_ink_1_175():
    normalization = build("lenet5").get_layer("normalization")
    pixels = np.array([0.0, 255.0], "float32").reshape(1, 1, 2, 1)
    seen = keras.ops.convert_to_numpy(normalization(pixels)).ravel()
    np.testing.assert_allclose(seen, [-0.1, 1.175], rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "fan_in"),
    [("c1", 25), ("s2", 4), ("s4", 4), ("c5", 400), ("f6", 120), ("head", 84)],
)
def test_start_values_are_within_2_4_over_the_fan_in(name, fan_in):
    kernel, bias = build("lenet5").get_layer(name).get_weights()
    assert 0 < abs(bias).max() <= 2.4 / fan_in
    assert 0.5 * 2.4 / fan_in < abs(kernel).max() <= 2.4 / fan_in


def test_start_values_of_c3_follow_each_filters_own_fan_in():
    kernel, bias = build("lenet5").get_layer("c3").get_weights()
    limits = [2.4 / (25 * len(maps)) for maps in TABLE_I]
    assert (abs(bias) <= limits).all()
    per_kernel = np.repeat(limits, [len(maps) for maps in TABLE_I])
    assert (abs(kernel).max((0, 1)) <= per_kernel).all()
    assert (abs(kernel).max((0, 1)) > 0.5 * per_kernel).all()


@pytest.mark.parametrize("options", [{}, {"head": "rbf"}, {"pool": "l2"}])
def test_one_step_moves_every_weight(images, options):
    model = build("lenet5", **options)
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    before = [keras.ops.convert_to_numpy(w) for w in model.trainable_weights]
    model.fit(images, np.array([3, 1, 4]), verbose=0)
    for old, new in zip(before, model.trainable_weights, strict=True):
        assert (old != keras.ops.convert_to_numpy(new)).any(), new.path


@pytest.mark.parametrize(
    ("pool", "layer"),
    [
        ("subsample", "Subsampling2D"),
        ("max", "MaxPooling2D"),
        ("avg", "AveragePooling2D"),
        ("l2", "L2NormPooling2D"),
    ],
)
@pytest.mark.parametrize("name", ["lenet5", "lenet5_modern"])
def test_pool_swaps_the_inner_pooling(images, name, pool, layer):
    model = build(name, pool=pool)
    assert [type(model.get_layer(n)).__name__ for n in ("s2", "s4")] == [layer] * 2
    assert np.isfinite(model.predict(images, verbose=0)).all()


def test_modern_form_is_the_one_of_the_textbooks():
    model = build("lenet5_modern")
    assert count_params(model) == 61_706
    assert model.get_layer("c3").count_params() == 2_416


@pytest.mark.parametrize("wrong", [{"pool": "median"}, {"head": "svm"}])
def test_unknown_choices_name_the_known(wrong):
    with pytest.raises(ValueError, match=r"is one of .*(max|rbf)"):
        build("lenet5", **wrong)


def test_rbf_head_refuses_other_than_ten_classes():
    with pytest.raises(ValueError, match=r"ten digits.* classes=7"):
        build("lenet5", head="rbf", classes=7)


def test_images_too_small_are_refused_by_name():
    with pytest.raises(ValueError, match="'lenet5' does not fit images of shape"):
        build("lenet5", input_shape=(28, 28, 1))
