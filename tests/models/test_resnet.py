"""ResNet of the first paper, against Keras Applications with the same weights."""

import re

import keras
import numpy as np

from keras_cnnzoo import build


def _our_name(name):
    """Translate a variable's path in Keras Applications to ours."""
    name = name.replace("conv1_conv/", "stem_conv/").replace("conv1_bn/", "stem_bn/")
    name = name.replace("predictions/", "head/")
    found = re.match(r"conv(\d)_block(\d+)_(\d)_(conv|bn)/(.*)", name)
    if not found:
        return name
    stage, block, place, kind, leaf = found.groups()
    layer = f"shortcut_{kind}" if place == "0" else f"{kind}{place}"
    return f"stage{int(stage) - 1}_block{block}/{layer}/{leaf}"


def test_resnet50_v1_equals_keras_applications(rng):
    theirs = keras.applications.ResNet50(
        weights=None, input_shape=(64, 64, 3), classifier_activation=None
    )
    drawn = {}
    for weight in theirs.weights:
        value = keras.ops.convert_to_numpy(weight)
        if weight.path.endswith("/bias") and "predictions" not in weight.path:
            continue  # zeros, which we have no place for
        if len(value.shape) == 1:
            value = rng.uniform(0.5, 1.5, value.shape)
        weight.assign(value)
        drawn[_our_name(weight.path)] = value
    ours = build("resnet50_v1", input_shape=(64, 64, 3), classifier_activation=None)
    for weight in ours.weights:
        if not weight.path.startswith("normalization/"):
            weight.assign(drawn.pop(weight.path))
    assert not drawn
    x = rng.uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    seen = keras.Model(ours.input, ours.get_layer("normalization").output)
    expected = theirs.predict(seen.predict(x, verbose=0), verbose=0)
    got = ours.predict(x, verbose=0)
    assert np.abs(got - expected).max() <= 1e-4 * np.ptp(expected)


def test_drop_path_grows_with_depth():
    model = build("resnet18", drop_path=0.7, input_shape=(32, 32, 3))
    blocks = [layer for layer in model.layers if "block" in layer.name]
    rates = [block.drop_path for block in blocks]
    np.testing.assert_allclose(rates, np.linspace(0, 0.7, 8))


def test_paper_s_shortcut_options_count_their_parameters():
    """Table 3 of the paper: B projects where sizes change, C everywhere, A never."""
    counts = {
        option: sum(
            "shortcut_conv" in w.path
            for w in build("resnet34", shortcut=option, input_shape=(64, 64, 3)).weights
        )
        for option in ("pad", "auto", "projection")
    }
    assert counts == {"pad": 0, "auto": 3, "projection": 16}
