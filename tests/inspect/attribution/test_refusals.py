"""What cannot be explained is refused, not drawn as a blank."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from methods import METHODS, draw
from subjects import SUBJECTS

from keras_cnnzoo import inspect

IMAGES = np.ones((2, 16, 16, 3), "float32")


@pytest.fixture(scope="module")
def subject_plain():
    return SUBJECTS["sequential"].build()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("target", "error"), [(5, ValueError), (-1, ValueError), (0.5, TypeError)]
)
def test_a_target_that_the_model_has_not(subject_plain, method, target, error):
    with pytest.raises(error, match="target"):
        draw(method, subject_plain, IMAGES, target)


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
            draw(method, model, IMAGES, 1, "conv")


def test_no_map_at_all():
    model = keras.Sequential(
        [keras.Input((16, 16, 3)), layers.Flatten(), layers.Dense(3)]
    )
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
        draw(method, subject_plain, IMAGES, 0, **options)


@pytest.mark.parametrize(
    ("method", "foreign", "ours"),
    [
        ("grad_cam", "class_index", "target"),
        ("grad_cam_pp", "target_layers", "layer"),
        ("saliency", "inputs", "images"),
        ("occlusion", "pred_index", "target"),
    ],
)
def test_arguments_of_other_packages_are_met(subject_plain, method, foreign, ours):
    with pytest.raises(
        TypeError, match=f"no argument '{foreign}': here it is '{ours}'"
    ):
        getattr(inspect, method)(subject_plain, **{foreign: 1})
