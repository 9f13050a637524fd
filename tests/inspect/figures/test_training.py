"""Figures of how a model does have the counts and numbers they are given."""

import keras
import numpy as np
import pytest
from drawn import title

from keras_cnnzoo.inspect import plot_confusion, plot_history

pytestmark = pytest.mark.once


def test_confusion_counts_true_by_row():
    truth, predicted = [0, 0, 1, 2, 2, 2], [0, 1, 1, 2, 2, 0]
    figure = plot_confusion(truth, ["a", "b", "c"], predicted=predicted, title="t")
    axes = figure.axes[0]
    cells = {tuple(map(int, t.get_position())): t.get_text() for t in axes.texts}
    # Column, row.
    expected = {(0, 0): "1", (1, 0): "1", (1, 1): "1", (2, 2): "2", (0, 2): "1"}
    assert cells == expected
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b", "c"]
    rows = np.eye(4)[predicted]
    same = plot_confusion(truth, predicted=rows)
    assert len(same.axes[0].get_yticks()) == 4
    assert len(plot_confusion(np.eye(3, dtype=int)).axes[0].texts) == 3
    with pytest.raises(ValueError, match="pass true classes with `predicted`"):
        plot_confusion(truth)
    with pytest.raises(ValueError, match="6 true classes and 2 predictions"):
        plot_confusion(truth, predicted=[0, 1])
    with pytest.raises(ValueError, match="3 classes and 1 names"):
        plot_confusion(np.eye(3, dtype=int), ["a"])


def test_confusion_is_that_of_scikit_learn(rng):
    from sklearn.metrics import confusion_matrix

    from keras_cnnzoo.inspect.figures.confusion import count_confusion

    truth, predicted = rng.integers(0, 7, (2, 200))
    expected = confusion_matrix(truth, predicted, labels=range(7))
    np.testing.assert_array_equal(count_confusion(truth, predicted), expected)


@pytest.mark.parametrize("kind", [dict, list, keras.callbacks.History])
def test_history_in_every_form(kind):
    columns = {
        "loss": [2.0, 1.0, 0.5],
        "val_loss": [2.1, 1.2, 1.3],
        "accuracy": [0.1, 0.5, 0.9],
        "c1/dead": [0, 0, 0],
    }
    history = columns
    if kind is list:
        rows = zip(*columns.values(), strict=True)
        history = [dict(zip(columns, row, strict=True)) for row in rows]
    elif kind is not dict:
        history = keras.callbacks.History()
        history.history = columns
    figure = plot_history(history, best_epoch=2)
    loss, accuracy = figure.axes
    assert [line.get_label() for line in loss.lines[:2]] == ["training", "validation"]
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), columns["loss"])
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), columns["val_loss"])
    assert loss.get_title(loc="right") == "kept: epoch 2, 1.2"
    assert accuracy.get_title(loc="right") == "kept: epoch 2, 50.00%"
    assert title(accuracy) == "Accuracy"
    (chosen,) = plot_history(history, metrics=["c1/dead"]).axes
    assert title(chosen) == "C1/dead"


def test_history_without_anything_to_draw():
    with pytest.raises(ValueError, match="a loss and metrics by epoch"):
        plot_history({"epoch": [1, 2]})
    with pytest.raises(ValueError, match=r"metrics=\['auc'\]"):
        plot_history({"loss": [1.0]}, metrics=["auc"])
