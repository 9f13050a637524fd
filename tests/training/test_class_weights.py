"""Class weights, equal to scikit-learn's."""

import keras
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from keras_cnnzoo.training import CrossEntropy, balanced_class_weights


@pytest.mark.once
def test_weights_are_those_of_scikit_learn(rng):
    labels = rng.choice(4, 200, p=[0.7, 0.2, 0.07, 0.03])
    wanted = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    assert balanced_class_weights(labels) == pytest.approx(dict(enumerate(wanted)))
    weights = balanced_class_weights(labels.tolist(), 6)
    assert weights == pytest.approx(dict(enumerate([*wanted, 0, 0])))


def test_fit_weighs_every_class_alike(rng):
    labels = np.repeat([0, 1], [12, 4])
    x = rng.normal(size=(16, 3)).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.SGD(0.0), CrossEntropy(label_smoothing=0.1))
    of_class = [model.evaluate(x[labels == c], labels[labels == c]) for c in (0, 1)]
    weights = balanced_class_weights(labels)
    history = model.fit(x, labels, class_weight=weights, batch_size=16, verbose=0)
    assert history.history["loss"][0] == pytest.approx(np.mean(of_class), rel=1e-5)


@pytest.mark.once
@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        ([], None, "one image or more"),
        ([[0, 1]], None, r"shape \(1, 2\)"),
        ([0.5, 1.0], None, "float64"),
        ([0, 3], 3, "from 0 to 2.* Received: 3"),
        ([0, -1], None, "Received: -1"),
    ],
)
def test_other_labels_are_refused(labels, classes, message):
    with pytest.raises(ValueError, match=message):
        balanced_class_weights(labels, classes)
