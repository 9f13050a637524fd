"""Branches that train, and the one convolution that they become.

The branched form is compared with timm's in test_parity.
"""

import keras
import numpy as np
import pytest

from keras_cnnzoo import build, inspect
from keras_cnnzoo.models.repvgg import FAMILY, fuse
from keras_cnnzoo.verify import reference_images
from keras_cnnzoo.weights.naming import places

SMALL = {"input_shape": (65, 65, 3), "classes": 5, "classifier_activation": None}


def unsettle(model):
    """Give every weight of a model a value that training might have left it."""
    rng = np.random.default_rng(1)
    for weight in model.weights[2:]:  # all but the normalisation of the images
        value = keras.ops.convert_to_numpy(weight)
        noise = rng.uniform(0.5, 1.5, value.shape)
        weight.assign(value * noise if value.ndim > 1 else noise)


@pytest.mark.parametrize("name", ["repvgg_a0", "repvgg_b0"])
def test_fused_answers_as_trained(name):
    trained, fused = build(name, **SMALL), build(name, fused=True, **SMALL)
    unsettle(trained)
    fuse(trained, fused)
    x = reference_images(65)
    expected, got = trained.predict(x, verbose=0), fused.predict(x, verbose=0)
    assert np.ptp(expected) > 0
    assert np.abs(got - expected).max() <= 1e-4 * np.ptp(expected)


def test_fused_is_a_plain_stack_of_3x3():
    fused = build("repvgg_a2", fused=True)
    convolutions = inspect.sublayers(fused, keras.layers.Conv2D)
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    assert len(convolutions) == 1 + 2 + 4 + 14 + 1
    assert not inspect.sublayers(fused, keras.layers.BatchNormalization)
    # The paper's table 4 gives the fused network 25.49 million parameters.
    assert round(inspect.count_params(fused) / 1e6, 1) == 25.5
    theirs = places([v.path for v in fused.weights], FAMILY.name_maps["timm"])
    names = {place.name for place in theirs.values()}
    assert "stages.2.13.reparam_conv.bias" in names


def test_models_that_differ_in_more_do_not_fuse():
    trained = build("repvgg_a0", blocks=(1, 1), **SMALL)
    fused = build("repvgg_a0", blocks=(1, 2), fused=True, **SMALL)
    with pytest.raises(ValueError, match="stage2_block2_fused"):
        fuse(trained, fused)
