"""Attributions of every kind of model, equal to what other libraries draw."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops
from subjects import SUBJECTS

from keras_cnnzoo import build, card, inspect, weights
from keras_cnnzoo.inspect.attribution.view import locate
from keras_cnnzoo.inspect.head import logits
from keras_cnnzoo.inspect.survey import survey
from keras_cnnzoo.verify.drawing import reference_images, reference_weights

REFERENCES = Path(__file__).parents[1] / "references" / "attributions.npz"
#: Each method, and options that make it quick.
METHODS = {
    "grad_cam": {},
    "grad_cam_pp": {},
    "score_cam": {},
    "layer_cam": {},
    "eigen_cam": {},
    "saliency": {},
    "smooth_grad": {"samples": 3},
    "integrated_gradients": {"steps": 4},
    "occlusion": {"window": 8, "stride": 8},
}
CAMS = [name for name in METHODS if name.endswith(("cam", "pp"))]


def _draw(method, model, images, target=None, layer=None, **options):
    return getattr(inspect, method)(
        model, images, target, layer, **METHODS[method] | options
    )


def _pairs():
    """Yield each method with each subject; those that add little run once."""
    for name in SUBJECTS:
        for method in METHODS:
            told = method == "grad_cam" or name == "subclassed"
            marks = () if told else pytest.mark.once
            yield pytest.param(name, method, marks=marks, id=f"{name}-{method}")


@pytest.mark.parametrize(("subject", "method"), list(_pairs()), indirect=["subject"])
def test_every_method_on_every_kind_of_model(subject, method):
    _, model, about = subject
    found = _draw(method, model, about.images(2), normalize=False)
    assert found.shape == (2, *about.shape[:2])
    assert found.dtype == "float32"
    assert np.isfinite(found).all()
    assert (np.ptp(found, axis=(1, 2)) > 0).all()


def test_maps_are_in_0_to_1_and_reach_both(subject):
    _, model, about = subject
    # Both signs of an eigenvector exist, so that something is always positive.
    maps = inspect.eigen_cam(model, about.images(2))
    assert maps.dtype == "float32"
    np.testing.assert_array_equal(maps.min((1, 2)), 0)
    np.testing.assert_array_equal(maps.max((1, 2)), 1)


# What the other libraries draw, with the same weights, images and noise.


@pytest.fixture(scope="module")
def references():
    with np.load(REFERENCES) as file:
        kept = dict(file)
    return json.loads(str(kept.pop("about"))), kept


@pytest.fixture(scope="module")
def twins(references):
    """A function from a name to a model of a reference's weights, and its images."""
    about, _ = references
    made = {}

    def twin(name):
        if name not in made:
            size, targets = about[name]["size"], about[name]["targets"]
            model = build(name, input_shape=(size, size, 3), preprocessing=False)
            weights.load(model, reference_weights(about[name]["shapes"]))
            matrix, offset = card(name).preprocessing.affine(3)
            made[name] = model, reference_images(size, len(targets)) @ matrix + offset
        return made[name]

    return twin


def _noise(options, size):
    count = options["samples"] * 3 * size * size
    values = reference_weights({"noise.bias": (count,)})["noise.bias"]
    values = values.reshape(options["samples"], 3, size, size)
    return np.moveaxis(values, 1, -1) * (options["deviation"] / values.std())


#: Drawn in another way than ours; `make_attributions.py` says how.
NOT_FOLLOWED = "pytorch-grad-cam/score_cam"
#: Compared on every backend; the others once, since each is compiled for itself.
EVERYWHERE = (
    "pytorch-grad-cam/grad_cam_pp",
    "torchcam/score_cam",
    "captum/smooth_grad",
    "captum/layer_integrated_gradients",
)


def _references():
    with np.load(REFERENCES) as file:
        keys = [key for key in file if key != "about" and NOT_FOLLOWED not in key]
    for key in keys:
        name, _, method = key.partition("/")
        everywhere = name == "cifar_resnet20" and method in EVERYWHERE
        yield pytest.param(key, marks=() if everywhere else pytest.mark.once)


@pytest.mark.parametrize("key", list(_references()))
def test_maps_are_those_of_other_libraries(key, references, twins):
    about, kept = references
    name, library, method = key.split("/")
    model, images = twins(name)
    case, options = about[name], about["options"]
    given = {
        "smooth_grad": {"noise": _noise(options, case["size"])},
        "integrated_gradients": {"steps": options["steps"]},
        "layer_integrated_gradients": {"steps": options["steps"]},
        "occlusion": {"window": options["window"], "stride": options["stride"]},
    }.get(method, {})
    if library == "captum":  # as they are, signed
        given["normalize"] = False
    if method in CAMS or method.startswith("layer"):
        given["layer"] = case["layer"]
    draw = getattr(inspect, method.replace("layer_integrated", "integrated"))
    maps = draw(model, images, case["targets"], **given)
    expected = kept[key]
    assert np.ptp(expected) > 0.1
    difference = np.abs(maps - expected).max() / np.ptp(expected)
    print(f"{key}: {difference:.1e}")  # `pytest -s -k other_libraries` shows it
    assert difference <= 1e-3


@pytest.mark.once
def test_by_default_the_top_class_and_the_last_map_are_explained(references, twins):
    about, kept = references
    model, images = twins("cifar_resnet20")
    top = model.predict(images, verbose=0).argmax(1)
    found = inspect.grad_cam(model, images)
    named = inspect.grad_cam(model, images, top, about["cifar_resnet20"]["layer"])
    np.testing.assert_allclose(found, named, atol=1e-6)
    assert np.abs(found - kept["cifar_resnet20/captum/grad_cam"]).max() > 0.1


@pytest.mark.once
def test_integrated_gradients_add_up_to_the_difference(twins):
    model, images = twins("cifar_resnet20")
    spread = inspect.integrated_gradients(
        model, images, [3, 7], baseline=0.5, steps=64, normalize=False
    )
    with logits(model):
        here, there = (
            ops.convert_to_numpy(model(x))
            for x in (images, np.full_like(images, 0.5, dtype="float32"))
        )
    expected = (here - there)[[0, 1], [3, 7]]
    np.testing.assert_allclose(spread.sum((1, 2)), expected, rtol=0.02)


# Heads: a softmax hides the answer, wherever it stands.


def _headed(head, seed=3):
    """Return a small model whose answer goes through `head`, a function of logits."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((8, 8, 3))
    gate = layers.Activation("sigmoid")  # the same layer that may end the model
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(inputs)
    x = layers.Multiply()([x, gate(layers.Conv2D(4, 1)(x))])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, head(x, gate))


def _dense(**kwargs):
    return layers.Dense(3, name="head", kernel_initializer="random_normal", **kwargs)


class OwnSoftmax(keras.layers.Layer):
    """Ends in a softmax that is no layer."""

    def call(self, x):
        return ops.softmax(x)


HEADS = {
    "fused": lambda x, gate: _dense(activation="softmax")(x),
    "activation": lambda x, gate: layers.Activation("softmax")(_dense()(x)),
    "layer": lambda x, gate: layers.Softmax()(_dense()(x)),
    "layer as activation": lambda x, gate: _dense(activation=layers.Softmax())(x),
    "sigmoid": lambda x, gate: _dense(activation="sigmoid")(x),
    "shared with a gate": lambda x, gate: gate(_dense()(x)),
    "before a dropout": lambda x, gate: layers.Dropout(0.5)(
        layers.Softmax()(_dense()(x))
    ),
    "nested": lambda x, gate: keras.Sequential([_dense(activation="softmax")])(x),
}


@pytest.mark.parametrize("head", HEADS)
def test_logits_are_answered_and_gates_keep_their_sigmoid(head, rng):
    images = rng.uniform(size=(2, 8, 8, 3)).astype("float32")
    plain = _headed(lambda x, gate: _dense()(x))
    model = _headed(HEADS[head])
    model.set_weights(plain.get_weights())
    expected = ops.convert_to_numpy(plain(images))
    before = ops.convert_to_numpy(model(images))
    with logits(model):
        found = ops.convert_to_numpy(model(images))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(before - expected).max() > 0.1
    np.testing.assert_array_equal(ops.convert_to_numpy(model(images)), before)


@pytest.mark.parametrize("head", ["fused", "shared with a gate"])
def test_a_softmax_changes_no_map(head, rng):
    images = rng.uniform(size=(2, 8, 8, 3))
    plain, model = _headed(lambda x, gate: _dense()(x)), _headed(HEADS[head])
    for method in ("grad_cam", "saliency", "occlusion"):
        expected, found = (_draw(method, m, images, 1) for m in (plain, model))
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_softmax_that_is_no_layer_is_undone_but_for_a_constant(rng):
    images = rng.uniform(size=(2, 8, 8, 3))
    # With weights that add up to nothing over the classes, logits have a mean of 0.
    plain = _headed(lambda x, gate: _dense()(x))
    head = plain.get_layer("head")
    kernel = rng.normal(size=(4, 3))
    head.set_weights([kernel - kernel.mean(1, keepdims=True), np.zeros(3)])
    model = _headed(lambda x, gate: OwnSoftmax()(_dense()(x)))
    model.set_weights(plain.get_weights())
    expected, found = (
        inspect.grad_cam(m, images, 1, normalize=False) for m in (plain, model)
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)


# Structure: what a model is made of does not matter.


def test_nested_draws_what_flat_draws(rng):
    images = rng.uniform(size=(3, 16, 16, 3)).astype("float32")
    nested = SUBJECTS["nested"].build()
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(inputs)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="bn")(x))
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv2")(x)
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, y]))
    flat = keras.Model(inputs, layers.Dense(5, name="head")(x))
    paths = inspect.layer_paths(nested)
    for path, name in {
        "backbone/stem/conv": "conv",
        "backbone/stem/bn": "bn",
        "backbone/conv": "conv2",
        "head": "head",
    }.items():
        flat.get_layer(name).set_weights(paths[path].get_weights())
    for path, name in ((None, None), ("backbone/stem/relu", "relu")):
        found = inspect.grad_cam(nested, images, 1, path, normalize=False)
        expected = inspect.grad_cam(flat, images, 1, name, normalize=False)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_layer_called_twice_is_looked_at_in_its_last_call(rng):
    images = rng.uniform(size=(2, 16, 16, 3)).astype("float32")
    model = SUBJECTS["subclassed"].build()
    found = inspect.grad_cam(model, images, 2, "conv2", normalize=False)
    # By hand: behind an average and a dense layer every pixel's gradient is the kernel.
    x = ops.relu(model.bn(model.conv1(images), training=False))
    maps = ops.convert_to_numpy(model.conv2(model.conv2(x)))
    kernel = ops.convert_to_numpy(model.head.kernel)[:, 2]
    np.testing.assert_allclose(found, maps @ kernel / 256, atol=1e-6)


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("lenet5", "c3"),
        ("lenet5_modern", "c3"),
        ("squeezenet1_1", "head"),
        ("googlenet", "stage5_block2"),
        ("vgg11_bn", "stage5_relu2"),
        ("resnet18", "stage4_block2"),
    ],
)
def test_the_last_map_feeds_the_pooling_before_the_answer(name, layer):
    model = build(name)
    found = locate(model, survey(model, model.input_shape[1:]), None)
    assert layer in found.layer.name


@pytest.mark.once
def test_batches_change_nothing(rng):
    images = rng.uniform(size=(5, 16, 16, 3)).astype("float32")
    model = SUBJECTS["sequential"].build()
    for method in ("grad_cam", "smooth_grad", "occlusion"):
        whole = _draw(method, model, images, [0, 1, 2, 3, 4])
        parts = _draw(method, model, images, [0, 1, 2, 3, 4], batch_size=2)
        np.testing.assert_allclose(parts, whole, atol=1e-4)


def test_mixed_precision_is_computed_in_float32(policy, rng):
    images = rng.uniform(0, 255, (2, 32, 32, 3))
    options = {"input_shape": (32, 32, 3)}
    plain = build("mlperf_resnet8", **options)
    policy("mixed_float16")
    mixed = build("mlperf_resnet8", **options)
    mixed.set_weights(plain.get_weights())
    for method in ("grad_cam", "saliency"):
        expected, found = (
            _draw(method, m, images, 1, normalize=False) for m in (plain, mixed)
        )
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.ptp(expected))
    assert {layer.compute_dtype for layer in mixed.layers} >= {"float16"}


@pytest.mark.once
def test_channels_first_is_the_same(rng):
    def make(data_format):
        first = data_format == "channels_first"
        form = {"data_format": data_format}
        model = [
            keras.Input((3, 12, 16) if first else (12, 16, 3)),
            layers.Conv2D(4, 3, activation="relu", **form),
            layers.Conv2D(5, 3, strides=2, padding="same", **form),
            layers.GlobalAveragePooling2D(**form),
            layers.Dense(3),
        ]
        return keras.Sequential(model)

    images = rng.uniform(size=(2, 12, 16, 3)).astype("float32")
    last, first = make("channels_last"), make("channels_first")
    first.set_weights(last.get_weights())
    for method in METHODS:
        expected = _draw(method, last, images, 1, normalize=False)
        found = _draw(method, first, np.moveaxis(images, -1, 1), 1, normalize=False)
        assert found.shape == (2, 12, 16)
        if method != "smooth_grad":  # whose noise has the shape of an image
            np.testing.assert_allclose(found, expected, atol=1e-4)


def test_statistics_are_not_moved(rng):
    images = rng.uniform(size=(2, 16, 16, 3)).astype("float32")
    model = inspect.instrument(SUBJECTS["sequential"].build(), record="stats")
    model(images)
    before = {w.path: ops.convert_to_numpy(w) for w in model.weights}
    inspect.saliency(model, images)
    inspect.occlusion(model, images, window=8)
    for weight in model.weights:
        np.testing.assert_array_equal(weight, before[weight.path])


@pytest.mark.once
def test_a_layer_takes_the_place_of_the_pixels(rng):
    images = rng.uniform(size=(2, 16, 16, 3)).astype("float32")
    model = SUBJECTS["nested"].build()
    for method in ("saliency", "integrated_gradients", "occlusion"):
        options = {"window": 4, "stride": 2} if method == "occlusion" else {}
        options["normalize"] = False
        at_layer = _draw(method, model, images, 1, "backbone/conv", **options)
        assert at_layer.shape == (2, 16, 16)
        pixels = _draw(method, model, images, 1, **options)
        assert np.abs(at_layer - pixels).max() > 0.1 * np.ptp(pixels)


def test_occlusion_is_how_far_the_logit_falls(rng):
    images = rng.uniform(size=(1, 16, 16, 3)).astype("float32")
    model = SUBJECTS["nested"].build()
    found = inspect.occlusion(
        model, images, 2, window=(8, 4), stride=(8, 4), baseline=0.5, normalize=False
    )
    covered = images.copy()
    covered[:, 8:, 4:8] = 0.5
    fall = (model.predict(images, verbose=0) - model.predict(covered, verbose=0))[0, 2]
    np.testing.assert_allclose(found[0, 8:, 4:8], fall, atol=1e-5)


# What cannot be explained is refused.

IMAGES = np.ones((2, 16, 16, 3), "float32")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("target", "error"), [(5, ValueError), (-1, ValueError), (0.5, TypeError)]
)
def test_a_target_that_the_model_has_not(subject_plain, method, target, error):
    with pytest.raises(error, match="target"):
        _draw(method, subject_plain, IMAGES, target)


@pytest.fixture(scope="module")
def subject_plain():
    return SUBJECTS["sequential"].build()


def test_a_target_for_each_image(subject_plain):
    with pytest.raises(ValueError, match="2 images"):
        inspect.grad_cam(subject_plain, IMAGES, [0, 1, 2])


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("conv*", "conv1, conv2"),
        ("head", r"'head' gives the shape \(1, 5\)"),
        ("conv9", "Near: conv"),
    ],
)
def test_a_layer_that_is_not_one_map(subject_plain, layer, says):
    with pytest.raises(ValueError, match=says):
        inspect.grad_cam(subject_plain, IMAGES, layer=layer)


def test_images_that_are_no_batch(subject_plain):
    with pytest.raises(ValueError, match=r"\(16, 16, 3\)"):
        inspect.saliency(subject_plain, IMAGES[0])


def test_images_that_are_no_numbers(subject_plain):
    with pytest.raises(ValueError, match="NaN"):
        inspect.saliency(subject_plain, np.full_like(IMAGES, np.nan), 0)


def _model(head):
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    return keras.Model(inputs, head(x, inputs))


def _pooled(x):
    return layers.Dense(3)(layers.GlobalAveragePooling2D()(x))


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (lambda x, inputs: x, r"shape \(1, 14, 14, 4\)"),
        (lambda x, inputs: {"a": _pooled(x), "b": _pooled(x)}, "several tensors"),
    ],
)
def test_an_answer_that_is_no_vector(head, says):
    with pytest.raises(ValueError, match=says):
        inspect.grad_cam(_model(head), IMAGES)


@pytest.mark.parametrize(
    ("head", "needs_no_gradient"),
    [
        (lambda x, inputs: _pooled(ops.stop_gradient(x)), {"occlusion"}),
        # The layer stands beside the way to the answer.
        (lambda x, inputs: _pooled(inputs) + 0 * _pooled(ops.stop_gradient(x)), set()),
    ],
)
def test_an_answer_that_does_not_depend_on_the_map(head, needs_no_gradient):
    model = _model(head)
    # These two do not ask how the answer depends on the map itself.
    for method in set(METHODS) - {"eigen_cam", "score_cam"} - needs_no_gradient:
        with pytest.raises(ValueError, match="does not depend on"):
            _draw(method, model, IMAGES, 1, "conv")


def test_can_be_used_from_a_callback(rng):
    model = SUBJECTS["sequential"].build()
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, found = SUBJECTS["sequential"].images(4), []

    def look(batch, logs):
        found.append(inspect.grad_cam(model, x[:1], normalize=False))
        found.append(inspect.receptive_field(model, "conv2", empirical=True)["conv2"])

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=look)
    model.fit(x, np.arange(4), batch_size=2, callbacks=[callback], verbose=0)
    assert len(found) == 4
    assert np.abs(found[0] - found[2]).max() > 0


@pytest.mark.once
def test_a_format_that_is_the_models_own(rng):
    model = keras.Sequential(
        [
            keras.Input((3, 12, 16)),
            layers.Rescaling(1.0),
            layers.Conv2D(4, 3, data_format="channels_first", name="conv"),
            layers.ReLU(name="relu"),
            layers.GlobalAveragePooling2D(data_format="channels_first"),
            _dense(),
        ]
    )
    images = rng.normal(size=(2, 3, 12, 16)).astype("float32")
    for method in ("grad_cam", "saliency"):
        assert _draw(method, model, images, normalize=False).shape == (2, 12, 16)
    means = inspect.activations(model, images, ["conv", "relu"], reduce="mean")
    assert {path: x.shape for path, x in means.items()} == {"conv": (4,), "relu": (4,)}
    field = inspect.plot_receptive_field(model, images[0], "conv", at=(0, 0))
    assert field.axes[0].images[0].get_array().shape == (12, 16, 3)


def test_no_map_at_all():
    model = keras.Sequential([keras.Input((16, 16, 3)), layers.Flatten(), _dense()])
    with pytest.raises(ValueError, match="no spatial map"):
        inspect.grad_cam(model, IMAGES)
    assert inspect.saliency(model, IMAGES).shape == (2, 16, 16)


def test_a_blank_map_comes_with_a_warning():
    model = _model(lambda x, inputs: _pooled(layers.ReLU(name="relu")(x)))
    model.layers[-1].set_weights([-np.ones((4, 3)), np.zeros(3)])
    with pytest.warns(UserWarning, match=r"images \[0, 1\]"):
        maps = inspect.grad_cam(model, IMAGES, 0)
    assert not maps.any()


@pytest.mark.parametrize(
    ("method", "options", "says"),
    [
        ("occlusion", {"window": 32}, "window"),
        ("occlusion", {"window": 2, "stride": 4}, "stride"),
        ("occlusion", {"baseline": np.zeros(7)}, "baseline"),
        ("integrated_gradients", {"steps": 0}, "steps"),
        ("smooth_grad", {"noise": -1.0}, "noise"),
        ("smooth_grad", {"noise": np.zeros((3, 8, 8, 3))}, "noise"),
        ("grad_cam", {"batch_size": 0}, "batch_size"),
    ],
)
def test_an_option_that_makes_no_sense(subject_plain, method, options, says):
    with pytest.raises(ValueError, match=says):
        _draw(method, subject_plain, IMAGES, 0, **options)
