"""Branches that train, and the one convolution that they become.

The branched form is compared with timm's in test_parity.
"""

import keras
import numpy as np
import pytest

from keras_cnnzoo import build, inspect
from keras_cnnzoo.models.repvgg import FAMILY
from keras_cnnzoo.surgery import fuse
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


@pytest.mark.once
@pytest.mark.parametrize("name", ["repvgg_a0", "mobileone_s0"])
def test_fused_answers_as_trained(name):
    trained = build(name, **SMALL)
    unsettle(trained)
    fused = fuse(trained)
    built = build(name, fused=True, **SMALL)
    assert [w.path for w in fused.weights] == [w.path for w in built.weights]
    assert [w.shape for w in fused.weights] == [w.shape for w in built.weights]
    x = reference_images(65)
    expected, got = trained.predict(x, verbose=0), fused.predict(x, verbose=0)
    assert np.ptp(expected) > 0
    assert np.abs(got - expected).max() <= 1e-5 * np.ptp(expected)


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


def test_branches_are_fused_wherever_they_are_nested(rng):
    trained = build("repvgg_a0", blocks=(1, 1), **SMALL)
    unsettle(trained)
    inner = keras.Sequential([keras.Input((65, 65, 3)), trained])
    inputs, half = keras.Input((65, 65, 3), name="image"), keras.layers.Rescaling(0.5)
    y = keras.layers.Softmax()(inner(half(half(inputs))))
    model = keras.Model(inputs, {"answer": y, "twice": half(y)}, name="outer")
    fused = fuse(model)
    assert not inspect.sublayers(fused, keras.layers.BatchNormalization)
    assert fused.name == "outer"
    x = rng.uniform(0, 255, (2, 65, 65, 3))
    expected, got = model.predict(x, verbose=0), fused.predict(x, verbose=0)
    assert set(got) == {"answer", "twice"}
    for name, y in expected.items():
        np.testing.assert_allclose(got[name], y, rtol=1e-4)


def test_a_fused_network_loads_as_one(revived, rng):
    trained = build("repvgg_a0", blocks=(1, 1), **SMALL)
    rows = [("fused", fuse(trained), rng.uniform(0, 255, (1, 65, 65, 3)))]
    for _, before, after in revived(rows):
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6)


def test_what_cannot_be_fused_is_told_so():
    with pytest.raises(ValueError, match="holds no branched convolution"):
        fuse(build("lenet5"))
    fused = build("repvgg_a0", blocks=(1, 1), fused=True, **SMALL)
    with pytest.raises(ValueError, match="fused already"):
        fuse(fused)

    class Wrapped(keras.Model):
        pass

    with pytest.raises(ValueError, match="subclassed"):
        fuse(Wrapped())
