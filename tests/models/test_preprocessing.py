"""What a network sees of an image, against the transforms of its own library.

`references/make_preprocessing.py` writes what they gave.
"""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from keras_cnnzoo import card
from keras_cnnzoo.data.adapt import Adapter
from keras_cnnzoo.verify.comparison import sample

KEPT = Path(__file__).parents[1] / "references" / "preprocessing.npz"
with np.load(KEPT) as _file:
    ARRAYS = dict(_file)
ABOUT = json.loads(str(ARRAYS["about"]))
ROWS = [
    pytest.param(name, transform, id=name)
    for transform in ABOUT["transforms"]
    for name in transform["models"]
]
pytestmark = pytest.mark.once


@functools.cache
def _photograph():
    return load_sample_image(ABOUT["photograph"])


@functools.cache
def _adapted(size, fit, crop, interpolation):
    """Resize and crop as the command line does for published weights."""
    adapter = Adapter((size, size), 3, fit, crop, interpolation)
    return adapter(_photograph()[None])[0]


@pytest.mark.parametrize(("name", "transform"), ROWS)
def test_colours_become_the_values_that_the_library_feeds(name, transform):
    matrix, offset = card(name).preprocessing.affine(3)
    for shade, expected in transform["solid"].items():
        seen = np.full(3, float(shade)) @ matrix + offset
        np.testing.assert_allclose(seen, expected, atol=2e-6)


@pytest.mark.parametrize(("name", "transform"), ROWS)
def test_a_photograph_is_resized_and_cropped_as_by_the_library(name, transform):
    fed = card(name).preprocessing
    size = card(name).input_shape[0]
    assert size == transform["size"]
    matrix, offset = fed.affine(3)
    seen = _adapted(size, fed.fit, fed.crop, fed.interpolation) @ matrix + offset
    expected = ARRAYS[transform["sample"]]
    one_shade = (np.ones(3) @ matrix).max()
    assert np.abs(sample(seen) - expected).mean() <= one_shade
