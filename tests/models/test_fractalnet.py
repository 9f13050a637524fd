"""FractalNet in training: a batch that draws one column goes through it alone."""

import numpy as np
from keras import ops

from keras_cnnzoo import build


def _column(model, x, column, stages):
    """Pass images through the units of one column, in training."""
    for s in range(1, stages + 1):
        name = f"stage{s}_column{column}"
        for unit in range(1, 2 ** (column - 1) + 1):
            for step in ("conv", "bn", "relu"):
                layer = model.get_layer(f"{name}_unit{unit}_{step}")
                x = layer(x, training=True) if step == "bn" else layer(x)
        x = model.get_layer(f"{name}_pool")(x)
    return model.get_layer("head")(model.get_layer("head_pool")(x))


def test_a_drawn_column_is_alone_in_every_block(rng):
    model = build(
        "fractalnet20",
        widths=(4, 6),
        dropouts=(0.0, 0.0),
        drop_columns=1.0,
        preprocessing=False,
        classifier_activation=None,
    )
    x = rng.normal(size=(8, 32, 32, 3)).astype("float32")
    expected = [_column(model, x, c, stages=2) for c in (1, 2, 3)]
    expected = [ops.convert_to_numpy(y) for y in expected]
    drawn = set()
    for _ in range(15):
        got = ops.convert_to_numpy(model(x, training=True))
        drawn |= {i for i, y in enumerate(expected) if np.allclose(got, y, atol=1e-4)}
        assert any(np.allclose(got, y, atol=1e-4) for y in expected)
    assert drawn == {0, 1, 2}
