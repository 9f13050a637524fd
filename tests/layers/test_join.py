"""Joins of parallel paths: what is dropped, how often, and by whose draw."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_cnnzoo.layers import DropPathColumn, DropPathMean

#: A factor for each column, so that a result shows which column it is from.
FACTORS = (1.0, 3.0, 9.0)
DRAWS = 60


def _maps():
    return [ops.full((2, 1, 1, 1), factor) for factor in FACTORS]


def _draws(join, **kwargs):
    """Join many times in training, and return what each batch got."""
    found = []
    for _ in range(DRAWS):
        y = ops.convert_to_numpy(join(_maps(), training=True, **kwargs)).ravel()
        assert y[0] == y[1]  # one draw for the whole batch
        found.append(float(y[0]))
    return found


def test_inference_is_the_mean_of_all():
    join = DropPathMean(0.9)
    np.testing.assert_allclose(ops.convert_to_numpy(join(_maps())).ravel(), 13 / 3)


def test_every_subset_but_none_is_drawn():
    subsets = {1, 3, 9, 2, 5, 6, 13 / 3}
    found = _draws(DropPathMean(0.5, seed=0))
    assert {round(y, 4) for y in found} == {round(y, 4) for y in subsets}


def test_paths_are_dropped_at_the_rate():
    join = DropPathMean(0.15, seed=0)
    found = [y for _ in range(10) for y in _draws(join)]
    whole = np.mean(np.isclose(found, 13 / 3))
    assert abs(whole - 0.85**3) < 0.06


def test_one_survives_a_rate_of_one():
    assert set(_draws(DropPathMean(1.0, seed=0))) == set(FACTORS)


def test_a_column_that_is_alone_stands_for_the_mean():
    for column, factor in enumerate(FACTORS):
        alone = np.eye(3, dtype="float32")[[column, column]]
        assert set(_draws(DropPathMean(0.5, seed=0), alone=alone)) == {factor}
    # With no draw, and where the column drawn is none of these, each for itself.
    for alone in (np.zeros((2, 3)), np.eye(4)[[0, 0]]):
        drawn = _draws(DropPathMean(0.5, seed=0), alone=alone.astype("float32"))
        assert len(set(drawn)) > 3


def _network(rate):
    """Two blocks of three columns, the deeper two of which are joined before."""
    x = inputs = keras.Input((1, 1, 1))
    alone = DropPathColumn(3, rate, seed=1)(x)
    for _ in range(2):
        shallow, middle, deep = (layers.Rescaling(factor)(x) for factor in FACTORS)
        inner = DropPathMean(0.5, seed=2)([middle, deep], alone=alone)
        x = DropPathMean(0.5, seed=3)([shallow, inner, inner], alone=alone)
    x = layers.Dense(1, kernel_initializer="ones")(x)
    model = keras.Model(inputs, x)
    # The answer itself as the loss: a compiled step shows no more.
    model.compile(
        keras.optimizers.SGD(0.0), loss=lambda _, answer: ops.mean(answer, axis=-1)
    )
    return model


def _steps(model):
    x = np.ones((2, 1, 1, 1), "float32")
    return [round(float(model.train_on_batch(x, x)), 3) for _ in range(DRAWS)]


def test_one_draw_holds_for_all_joins_of_a_compiled_network():
    # With a draw for each of the two blocks 1 * 3 and 3 * 9 would be there, too.
    assert set(_steps(_network(rate=1.0))) == {f**2 for f in FACTORS}


def test_half_of_the_steps_draw_a_column():
    found = _steps(_network(rate=0.5))
    alone = np.isin(found, [f**2 for f in FACTORS])
    assert 0.3 < alone.mean() < 0.9
    assert len(set(found)) > 6


def test_columns_are_drawn_evenly():
    draw = DropPathColumn(3, rate=0.5, seed=0)
    x = np.zeros((2, 4), "float32")
    rows = []
    for _ in range(600):
        first, second = ops.convert_to_numpy(draw(x, training=True))
        np.testing.assert_array_equal(first, second)
        rows.append(first)
    np.testing.assert_allclose(np.mean(rows, axis=0), 1 / 6, atol=0.05)
    assert not ops.convert_to_numpy(draw(x)).any()


def test_bad_arguments_are_answered():
    with pytest.raises(ValueError, match="`rate` is from 0 to 1"):
        DropPathMean(1.5)
    with pytest.raises(ValueError, match="`columns` is at least 1"):
        DropPathColumn(0)
