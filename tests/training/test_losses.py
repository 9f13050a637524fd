"""Losses and metrics of class numbers and of rows of probabilities."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from torch_references import reference

from keras_cnnzoo.training import (
    Accuracy,
    BalancedAccuracy,
    BinaryCrossEntropy,
    CrossEntropy,
    FocalLoss,
)

LOGITS = np.random.default_rng(2).normal(0, 3, (12, 5)).astype("float32")
NUMBERS = np.random.default_rng(3).integers(0, 5, 12)
ROWS = np.random.default_rng(4).dirichlet(np.ones(5), 12).astype("float32")


def softmax(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def value(loss, y, predictions, **kwargs):
    return float(ops.convert_to_numpy(loss(y, predictions, **kwargs)))


@pytest.mark.parametrize("labels", [NUMBERS, NUMBERS[:, None], ROWS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
def test_cross_entropy_is_torchs(labels, smoothing, reduction):
    torch = pytest.importorskip("torch")
    plain = labels[:, 0] if labels.shape == (12, 1) else labels
    wanted = torch.nn.CrossEntropyLoss(
        label_smoothing=smoothing,
        reduction="sum" if reduction == "sum" else "mean",
    )(torch.tensor(LOGITS), torch.tensor(plain)).item()
    settings = {"label_smoothing": smoothing, "reduction": reduction}
    of_logits = value(CrossEntropy(True, **settings), labels, LOGITS)
    assert of_logits == pytest.approx(wanted, rel=1e-6)
    # In Keras, probabilities are at least 1e-7.
    mild = LOGITS / 3
    wanted = value(CrossEntropy(True, **settings), labels, mild)
    of_chances = value(CrossEntropy(**settings), labels, softmax(mild))
    assert of_chances == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("labels", [NUMBERS, ROWS])
def test_classes_above_a_threshold_are_present_as_by_timm(labels):
    theirs = reference("timm.loss.binary_cross_entropy").BinaryCrossEntropy
    torch = pytest.importorskip("torch")
    wanted = theirs(0.0, 0.2)(torch.tensor(LOGITS), torch.tensor(labels)).item()
    found = value(BinaryCrossEntropy(True, target_threshold=0.2), labels, LOGITS)
    assert found == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("labels", [NUMBERS, ROWS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_binary_cross_entropy_is_timms(labels, smoothing):
    theirs = reference("timm.loss.binary_cross_entropy").BinaryCrossEntropy
    torch = pytest.importorskip("torch")
    # timm leaves rows as they are, since its mixup smooths them.
    rows = labels if labels is NUMBERS else labels * (1 - smoothing) + smoothing / 5
    wanted = theirs(smoothing)(torch.tensor(LOGITS), torch.tensor(rows)).item()
    of_logits = value(BinaryCrossEntropy(True, smoothing), labels, LOGITS)
    assert of_logits == pytest.approx(wanted, rel=1e-5)
    chances = 1 / (1 + np.exp(-LOGITS))
    of_chances = value(BinaryCrossEntropy(False, smoothing), labels, chances)
    assert of_chances == pytest.approx(wanted, rel=1e-4)


def focal(rows, chances, gamma):
    chances = chances.astype(float)
    return np.mean(-(rows * (1 - chances) ** gamma * np.log(chances)).sum(axis=-1))


@pytest.mark.parametrize("labels", [NUMBERS, ROWS])
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_loss_is_numpys(labels, gamma):
    chances = softmax(LOGITS / 3)
    rows = labels if labels.ndim == 2 else np.eye(5)[labels]
    wanted = focal(rows, chances, gamma)
    assert value(FocalLoss(gamma), labels, chances) == pytest.approx(wanted, rel=1e-5)
    of_logits = value(FocalLoss(gamma, from_logits=True), labels, LOGITS / 3)
    assert of_logits == pytest.approx(wanted, rel=1e-5)
    smooth = FocalLoss(gamma, label_smoothing=0.2)
    wanted = focal(0.8 * rows + 0.04, chances, gamma)
    assert value(smooth, labels, chances) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("from_logits", [False, True])
def test_focal_loss_without_focus_is_cross_entropy(from_logits):
    predictions = LOGITS if from_logits else softmax(LOGITS)
    wanted = value(CrossEntropy(from_logits, 0.1), NUMBERS, predictions)
    found = value(FocalLoss(0, from_logits, 0.1), NUMBERS, predictions)
    assert found == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("loss", [CrossEntropy(True, 0.1), FocalLoss(2.0, True)])
def test_samples_count_as_they_are_weighted(loss, rng):
    weights = rng.random(12)
    each = [value(loss, NUMBERS[i : i + 1], LOGITS[i : i + 1]) for i in range(12)]
    found = value(loss, NUMBERS, LOGITS, sample_weight=weights)
    assert found == pytest.approx(np.mean(weights * each), rel=1e-5)


def test_pixels_have_labels_too(rng):
    logits = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    numbers = rng.integers(0, 5, (2, 3, 4))
    wanted = value(CrossEntropy(True), numbers.ravel(), logits.reshape(-1, 5))
    assert value(CrossEntropy(True), numbers, logits) == pytest.approx(wanted, rel=1e-5)
    found = value(CrossEntropy(True), numbers[..., None], logits)
    assert found == pytest.approx(wanted, rel=1e-5)


def test_low_precision_is_computed_in_float32(policy):
    policy("mixed_float16")
    logits = ops.cast(LOGITS, "float16")
    for loss in (CrossEntropy(True, 0.1), FocalLoss(2.0, True)):
        found = loss(NUMBERS, logits)
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        exact = LOGITS.astype("float16").astype("float32")
        assert float(found) == pytest.approx(value(loss, NUMBERS, exact), rel=1e-6)


def small_model(loss, *metrics, **compiling):
    last = "softmax" if not loss.from_logits else None
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(8, "relu"),
            layers.Dense(3, last, dtype="float32"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), loss, metrics=[*metrics], **compiling)
    return model


@pytest.mark.parametrize(
    ("precision", "loss"),
    [
        ("float32", CrossEntropy(label_smoothing=0.1)),
        ("mixed_float16", CrossEntropy(True)),
        ("mixed_float16", FocalLoss(0.5)),
        ("float32", FocalLoss(2.0, True, 0.1)),
    ],
)
def test_fit_takes_rows_and_validates_on_numbers(
    precision, loss, policy, rng, tmp_path
):
    policy(precision)
    x = rng.normal(size=(48, 4)).astype("float32")
    numbers = x[:, :3].argmax(axis=1)
    rows = 0.9 * np.eye(3, dtype="float32")[numbers] + 0.1 / 3
    model = small_model(loss, Accuracy(), BalancedAccuracy(3))
    history = model.fit(
        x, rows, validation_data=(x, numbers), batch_size=16, epochs=25, verbose=0
    ).history
    assert history["loss"][-1] < history["loss"][0]
    assert history["val_accuracy"][-1] > 0.8
    right = model.predict(x, verbose=0).argmax(axis=1) == numbers
    assert history["val_accuracy"][-1] == pytest.approx(right.mean(), abs=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.loss) is type(loss)
    assert again.loss.get_config() == loss.get_config()
    np.testing.assert_allclose(
        again.evaluate(x, numbers, verbose=0),
        model.evaluate(x, numbers, verbose=0),
        rtol=1e-5,
    )


@pytest.mark.once
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CrossEntropy(label_smoothing=1.5), "`label_smoothing` is from 0 to 1"),
        (lambda: FocalLoss(-1), "`gamma` is at least 0"),
        (
            lambda: BinaryCrossEntropy(target_threshold=1.0),
            "`target_threshold` is from 0 to below 1",
        ),
        (
            lambda: CrossEntropy()(np.zeros((12, 4)), LOGITS),
            r"shape \(12,\), or a row of 5 probabilities each.* shape \(12, 4\)",
        ),
    ],
)
def test_what_cannot_be_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()
