"""Our networks against the libraries that others use, with the same weights.

The libraries' answers are small files; `references/make_references.py` writes them.
"""

import functools
import json
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_cnnzoo

REFERENCES = Path(__file__).parents[1] / "references"
_drawn = runpy.run_path(str(REFERENCES / "weights.py"))


def _cases():
    for path in sorted(REFERENCES.glob("*.npz")):
        for key in np.load(path).files:
            if key.startswith("logits_"):
                yield path.stem, int(key.removeprefix("logits_"))


@functools.lru_cache(maxsize=1)
def _weights(name):
    shapes = json.loads(str(np.load(REFERENCES / f"{name}.npz")["shapes"]))
    return _drawn["reference_weights"](shapes)


@pytest.mark.parametrize(("name", "size"), _cases())
def test_logits_are_the_references(name, size):
    model = keras_cnnzoo.build(
        name, input_shape=(size, size, 3), classifier_activation=None
    )
    keras_cnnzoo.weights.load(model, _weights(name))
    logits = model.predict(_drawn["reference_images"](size), verbose=0)
    expected = np.load(REFERENCES / f"{name}.npz")[f"logits_{size}"]
    assert abs(logits - expected).max() <= 1e-4 * np.ptp(expected)
    # The two images must be told apart, or the comparison would say little.
    assert abs(expected[0] - expected[1]).max() > 0.01 * np.ptp(expected)
    keras.backend.clear_session()
