"""Attributions are what other libraries draw of the same weights, images and noise."""

import json
from pathlib import Path

import numpy as np
import pytest
from methods import METHODS, logits

from keras_cnnzoo import build, card, inspect, weights
from keras_cnnzoo.verify.drawing import reference_images, reference_weights

REFERENCES = Path(__file__).parents[2] / "references" / "attributions.npz"
CAMS = [name for name in METHODS if name.endswith(("cam", "pp"))]


@pytest.fixture(scope="module")
def references():
    with np.load(REFERENCES) as file:
        kept = dict(file)
    return json.loads(str(kept.pop("about"))), kept


@pytest.fixture(scope="module")
def twins(references):
    """A function from a name to a model of a reference's weights, and its images."""
    about, _ = references
    made = {}

    def twin(name):
        if name not in made:
            size, targets = about[name]["size"], about[name]["targets"]
            model = build(name, input_shape=(size, size, 3), preprocessing=False)
            weights.load(model, reference_weights(about[name]["shapes"]))
            matrix, offset = card(name).preprocessing.affine(3)
            made[name] = model, reference_images(size, len(targets)) @ matrix + offset
        return made[name]

    return twin


def _noise(options, size):
    count = options["samples"] * 3 * size * size
    values = reference_weights({"noise.bias": (count,)})["noise.bias"]
    values = values.reshape(options["samples"], 3, size, size)
    return np.moveaxis(values, 1, -1) * (options["deviation"] / values.std())


#: Drawn in another way than ours; `make_attributions.py` says how.
NOT_FOLLOWED = "pytorch-grad-cam/score_cam"
#: Compared on every backend; the others once, since each is compiled for itself.
EVERYWHERE = (
    "pytorch-grad-cam/grad_cam_pp",
    "torchcam/score_cam",
    "captum/smooth_grad",
    "captum/layer_integrated_gradients",
)


def _references():
    with np.load(REFERENCES) as file:
        keys = [key for key in file if key != "about" and NOT_FOLLOWED not in key]
    for key in keys:
        name, _, method = key.partition("/")
        everywhere = name == "cifar_resnet20" and method in EVERYWHERE
        yield pytest.param(key, marks=() if everywhere else pytest.mark.once)


@pytest.mark.parametrize("key", list(_references()))
def test_maps_are_those_of_other_libraries(key, references, twins):
    about, kept = references
    name, library, method = key.split("/")
    model, images = twins(name)
    case, options = about[name], about["options"]
    given = {
        "smooth_grad": {"noise": _noise(options, case["size"])},
        "integrated_gradients": {"steps": options["steps"]},
        "layer_integrated_gradients": {"steps": options["steps"]},
        "occlusion": {"window": options["window"], "stride": options["stride"]},
    }.get(method, {})
    if library == "captum":  # as they are, signed
        given["normalize"] = False
    if method in CAMS or method.startswith("layer"):
        given["layer"] = case["layer"]
    draw = getattr(inspect, method.replace("layer_integrated", "integrated"))
    maps = draw(model, images, case["targets"], **given)
    expected = kept[key]
    assert np.ptp(expected) > 0.1
    difference = np.abs(maps - expected).max() / np.ptp(expected)
    print(f"{key}: {difference:.1e}")  # `pytest -s -k other_libraries` shows it
    assert difference <= 1e-3


@pytest.mark.once
def test_by_default_the_top_class_and_the_last_map_are_explained(references, twins):
    about, kept = references
    model, images = twins("cifar_resnet20")
    top = model.predict(images, verbose=0).argmax(1)
    found = inspect.grad_cam(model, images)
    named = inspect.grad_cam(model, images, top, about["cifar_resnet20"]["layer"])
    np.testing.assert_allclose(found, named, atol=1e-6)
    assert np.abs(found - kept["cifar_resnet20/captum/grad_cam"]).max() > 0.1


@pytest.mark.once
def test_integrated_gradients_add_up_to_the_difference(twins):
    model, images = twins("cifar_resnet20")
    spread = inspect.integrated_gradients(
        model, images, [3, 7], baseline=0.5, steps=64, normalize=False
    )
    here, there = (logits(model, x) for x in (images, np.full_like(images, 0.5)))
    expected = (here - there)[[0, 1], [3, 7]]
    np.testing.assert_allclose(spread.sum((1, 2)), expected, rtol=0.02)
