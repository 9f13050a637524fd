"""The scores of a classifier are those of scikit-learn."""

import itertools
import warnings

import keras
import numpy as np
import pytest
from sklearn import calibration, metrics
from sklearn.utils.multiclass import unique_labels

from keras_cnnzoo.data import load
from keras_cnnzoo.training import Scores, evaluate, plot_calibration, plot_roc
from keras_cnnzoo.training.calibration import Calibration
from keras_cnnzoo.training.class_scores import MEASURES
from keras_cnnzoo.training.thresholds import RocCurve

EXACT = {"rel": 1e-9, "abs": 1e-9}
once = pytest.mark.once


def _scores(rng, classes, *, count=700, round_to=None, missing=()):
    """Make scores of an imperfect, too confident classifier."""
    labels = rng.choice(np.setdiff1d(range(classes), missing), count)
    logits = rng.normal(0, 2, (count, classes))
    logits[np.arange(count), labels] += 1.5
    answers = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if round_to is not None:  # equal scores
        answers = np.round(answers, round_to)
    return Scores(labels, answers)


@once
@pytest.mark.parametrize("missing", [(), (3,), (0, 5)])
def test_precision_recall_f1_and_support(rng, missing):
    scores = _scores(rng, 6, missing=missing)
    given = scores.labels, scores.predicted
    seen = unique_labels(*given)
    expected = metrics.precision_recall_fscore_support(
        *given, labels=range(6), zero_division=0
    )
    rows = scores.by_class("abcdef")
    assert list(rows) == [*np.array(list("abcdef"))[seen]]
    for name, values in zip((*MEASURES, "support"), expected, strict=True):
        found = getattr(scores.classes, name)
        np.testing.assert_allclose(found, values, rtol=1e-9, atol=0)
        assert [row[name] for row in rows.values()] == pytest.approx(found[seen])
    for kind, averages in scores.classes.averages().items():
        expected = metrics.precision_recall_fscore_support(
            *given, average=kind, zero_division=0
        )
        assert list(averages.values()) == pytest.approx(expected[:3], **EXACT)
        assert scores.numbers()[f"{kind}_f1"] == averages["f1"]


@once
def test_a_class_that_was_never_predicted_scores_zero(rng):
    scores = Scores(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]))
    assert scores.classes.precision.tolist() == [pytest.approx(1 / 3), 0]
    assert scores.classes.f1.tolist() == [0.5, 0]
    assert scores.balanced_accuracy == 0.5


@once
@pytest.mark.parametrize("round_to", [None, 2, 1])
@pytest.mark.parametrize("missing", [(), (2,)])
def test_areas_of_many_classes(rng, round_to, missing):
    scores = _scores(rng, 5, round_to=round_to, missing=missing)
    own = np.eye(5)[scores.labels]
    there = np.setdiff1d(range(5), missing)
    area = metrics.roc_auc_score(own[:, there], scores.probabilities[:, there])
    assert scores.auc == pytest.approx(area, **EXACT)
    if not missing and round_to is None:
        ovr = metrics.roc_auc_score(
            scores.labels, scores.probabilities, multi_class="ovr", average="macro"
        )
        assert scores.auc == pytest.approx(ovr, **EXACT)
    precision = metrics.average_precision_score(
        own[:, there], scores.probabilities[:, there], average="macro"
    )
    assert scores.average_precision == pytest.approx(precision, **EXACT)
    rows = scores.by_class("abcde").values()
    areas = [row["auc"] for row in rows if row["support"]]
    assert np.mean(areas) == pytest.approx(area, **EXACT)
    assert all(row["auc"] is None for row in rows if not row["support"])


@once
@pytest.mark.parametrize("round_to", [None, 1])
def test_two_classes_and_their_curve(rng, round_to):
    scores = _scores(rng, 2, round_to=round_to)
    given = scores.labels, scores.probabilities[:, 1]
    assert scores.auc == pytest.approx(metrics.roc_auc_score(*given), **EXACT)
    assert scores.average_precision == pytest.approx(
        metrics.average_precision_score(*given), **EXACT
    )
    curve = scores.roc(1)
    false, true, thresholds = metrics.roc_curve(*given, drop_intermediate=False)
    np.testing.assert_allclose(1 - curve.specificity, false, atol=1e-12)
    np.testing.assert_allclose(curve.sensitivity, true, atol=1e-12)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    for specificity in (0, 0.5, 0.9, 0.95, 1):
        point = scores.sensitivity_at(specificity)
        assert point.sensitivity == pytest.approx(
            true[1 - false >= specificity - 1e-12].max(), **EXACT
        )
        assert point.specificity >= specificity - 1e-12
        positive = scores.probabilities[:, 1] >= point.threshold
        assert positive[scores.labels == 1].mean() == pytest.approx(point.sensitivity)
        negative = ~positive[scores.labels == 0]
        assert negative.mean() == pytest.approx(point.specificity)


@once
def test_a_share_of_negatives_that_is_met_exactly_counts():
    # 19 of 20 negatives are below the threshold 0.5: a specificity of 0.95.
    positive = np.array([True] * 2 + [False] * 20)
    found = RocCurve.of(positive, np.array([0.9, 0.5, 0.6] + [0.1] * 19))
    assert found.at_specificity(0.95).sensitivity == 1


@once
@pytest.mark.parametrize("bins", [15, 7])
def test_calibration(rng, bins):
    scores = _scores(rng, 4, round_to=2)  # some on the edges of bins
    confidence = scores.probabilities.max(axis=1)
    right = scores.predicted == scores.labels
    expected, confidences = calibration.calibration_curve(
        right, np.minimum(confidence, 1), n_bins=bins
    )
    found = Calibration.of(scores.labels, scores.probabilities, bins)
    there = found.count > 0
    np.testing.assert_allclose(found.accuracy[there], expected, rtol=1e-9)
    np.testing.assert_allclose(found.confidence[there], confidences, rtol=1e-9)
    assert found.count.sum() == len(right)
    gaps = np.abs(expected - confidences) * found.count[there]
    assert found.error == pytest.approx(gaps.sum() / len(right), **EXACT)


@once
def test_the_calibration_error_is_that_of_its_authors(rng):
    """Transcribed from gpleiss/temperature_scaling, `_ECELoss`, the paper's code."""
    torch = pytest.importorskip("torch")
    scores = _scores(rng, 10, count=3000)
    answers = torch.tensor(scores.probabilities)
    confidences, predictions = torch.max(answers, 1)
    right = predictions.eq(torch.tensor(scores.labels))
    edges = torch.linspace(0, 1, 15 + 1, dtype=torch.float64)
    error = 0.0
    for low, high in itertools.pairwise(edges):
        in_bin = confidences.gt(low) & confidences.le(high)
        share = in_bin.double().mean()
        if share > 0:
            gap = confidences[in_bin].mean() - right[in_bin].double().mean()
            error += abs(float(gap * share))
    assert scores.calibration_error == pytest.approx(error, **EXACT)


@once
def test_what_has_no_score_is_none():
    one = Scores(np.array([1, 1]), np.array([[0.2, 0.8], [0.6, 0.4]]))
    assert one.auc is None
    assert one.average_precision is None
    logits = Scores(np.array([0, 1]), np.array([[3.0, -1.0], [0.0, 2.0]]))
    assert logits.calibration_error is None
    assert logits.auc == 1
    lost = Scores(np.array([0, 1, 2]), np.full((3, 3), np.nan))
    numbers = lost.numbers()
    assert numbers["auc"] is None
    assert numbers["calibration_error"] is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        repr(lost)


@once
def test_mistakes_are_named(rng):
    with pytest.raises(ValueError, match="has 4"):
        _scores(rng, 4).sensitivity_at(0.9)
    with pytest.raises(ValueError, match=r"Received: 95"):
        _scores(rng, 2).sensitivity_at(95)
    with pytest.raises(ValueError, match="needs positive and negative images"):
        RocCurve.of(np.ones(3, bool), np.arange(3))
    with pytest.raises(ValueError, match="`bins` is at least 1"):
        Calibration.of(np.zeros(2, int), np.ones((2, 1)), 0)


@once
@pytest.mark.parametrize(
    ("kind", "labels"),
    [("classes", np.eye(3, dtype="int32")), ("number", np.linspace(0, 1, 3))],
)
def test_labels_that_are_no_classes_are_refused(kind, labels):
    images = np.zeros((3, 4, 4, 1), "uint8")
    data = load({"test": (images, labels)}, image_size=4, targets=kind)
    layers = [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    with pytest.raises(ValueError, match="scored on one class per image"):
        evaluate(keras.Sequential(layers), data.test)


@once
def test_figures_show_the_scores(rng):
    scores = _scores(rng, 12)
    figure = plot_calibration(scores, title="a model")
    error = f"calibration error {100 * scores.calibration_error:.1f} %"
    assert figure.axes[0].get_title("right") == error
    heights = [bar.get_height() for bar in figure.axes[1].patches]
    assert sum(heights) == scores.count
    figure = plot_roc(scores, [f"class {i}" for i in range(12)])
    axes = figure.axes[0]
    assert axes.get_title("right") == f"area {scores.auc:.4f}"
    assert len(axes.lines) == 12 + 1
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(named) == 10
    weakest = min(scores.curves, key=lambda index: scores.curves[index].area)
    assert named[0].startswith(f"class {weakest} ")


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_a_model_is_scored(rng, dtype, policy):
    policy(dtype)
    images = rng.integers(0, 256, (30, 4, 4, 1), "uint8")
    data = load({"test": (images, np.arange(30) % 3)}, image_size=4, channels=1)
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            keras.layers.Flatten(),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Dense(3, "softmax"),
        ]
    )
    scores = evaluate(model, data.test)
    assert scores.probabilities.dtype == "float32"
    given, labels = data.test.arrays()
    answers = np.asarray(model.predict(given, verbose=0), "float32")
    np.testing.assert_allclose(scores.probabilities, answers, rtol=1e-5)
    assert scores.accuracy == metrics.accuracy_score(labels, answers.argmax(axis=1))
    assert repr(scores).startswith("Scores(count=30, accuracy=")
