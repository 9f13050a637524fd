"""A saved model answers the same where a fresh process loads it."""

import numpy as np
import pytest
from small_models import SMALLEST, SPREAD, small_images, small_options

from keras_cnnzoo import build

#: A process loads one of these shares of the families. TensorFlow and JAX take half a
#: minute for four models.
SHARES, SHARES_OF_SPREAD = 9, 4


def _saved(names):
    for name in names:
        yield (
            name,
            build(name, classes=7, classifier_activation=None, **small_options(name)),
            small_images(name, batch=1),
        )


def _shares():
    others = [name for name in SMALLEST if name not in SPREAD]
    for share in range(SHARES):
        yield pytest.param(others[share::SHARES], marks=pytest.mark.once)
    for share in range(SHARES_OF_SPREAD):
        yield sorted(SPREAD)[share::SHARES_OF_SPREAD]


@pytest.mark.parametrize("names", _shares())
def test_saved_models_load(names, revived):
    for name, before, after in revived(_saved(names)):
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5, err_msg=name)
