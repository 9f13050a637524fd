"""Keras's `Distiller` with the zoo's models, as the guide and the example use it."""

import keras
import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from keras_cnnzoo import build

SIZE = (32, 32, 3)


def _logits_of(name):
    return build(name, input_shape=SIZE, classes=5, classifier_activation=None)


def _distiller(teacher, student, *losses, weight):
    distiller = keras.distillation.Distiller(
        teacher, student, [*losses], student_loss_weight=weight
    )
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    distiller.compile(keras.optimizers.SGD(1e-3), cross_entropy)
    return distiller


def _numbers(x):
    return np.asarray(keras.ops.convert_to_numpy(x), "float64")


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (12, *SIZE)).astype("float32"), np.arange(12) % 5


def test_the_loss_is_that_of_hinton(images):
    """Hinton et al., Distilling the Knowledge in a Neural Network, 2015, section 2."""
    temperature, weight = 3.0, 0.25
    teacher, student = _logits_of("mlp"), _logits_of("lenet5")
    soft = keras.distillation.LogitsDistillation(
        temperature, loss=keras.losses.KLDivergence()
    )
    distiller = _distiller(teacher, student, soft, weight=weight)
    x, y = images
    wanted, given = (_numbers(m(x, training=False)) for m in (teacher, student))
    truth = softmax(wanted / temperature, axis=1)
    divergence = truth * (
        log_softmax(wanted / temperature, axis=1)
        - log_softmax(given / temperature, axis=1)
    )
    of_labels = -log_softmax(given, axis=1)[np.arange(12), y].mean()
    expected = (
        weight * of_labels
        + (1 - weight) * temperature**2 * divergence.sum(axis=1).mean()
    )
    found = distiller.evaluate(x, y, batch_size=12, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(expected, rel=1e-4)


def test_the_student_learns_and_the_teacher_stands_still(images):
    teacher, student = _logits_of("cifar_resnet32"), _logits_of("cifar_resnet20")
    features = keras.distillation.FeatureDistillation(
        teacher_layer_name="stage2_block1", student_layer_name="stage2_block1"
    )
    distiller = _distiller(teacher, student, features, weight=0.5)
    before = [[_numbers(w) for w in m.weights] for m in (teacher, student)]
    distiller.fit(*images, epochs=2, batch_size=6, verbose=0)
    after = [[_numbers(w) for w in m.weights] for m in (teacher, student)]
    for old, new in zip(before[0], after[0], strict=True):
        np.testing.assert_array_equal(old, new)
    moved = [
        not np.array_equal(old, new)
        for old, new in zip(before[1], after[1], strict=True)
    ]
    # All but the two constants of the colours.
    assert sum(moved) == len(moved) - 2
