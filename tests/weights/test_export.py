"""A model's weights in others' names, against the others themselves."""

import importlib.util
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from keras.ops import convert_to_numpy

from keras_cnnzoo import build, weights
from keras_cnnzoo.models.keras_applications import FAMILY as APPLICATIONS
from keras_cnnzoo.registry import families, family_of
from keras_cnnzoo.verify import reference_images, reference_weights
from keras_cnnzoo.weights import save_safetensors, to_torch

REFERENCES = Path(__file__).parents[1] / "references"
ANSWERS = {path.stem: path for path in (REFERENCES / "answers").glob("*.npz")}
#: The smallest of each family that has answers.
SMALLEST = [
    min(kept, key=lambda name: family.variants[name].params)
    for family in families()
    if family is not APPLICATIONS
    if (kept := [name for name in family.variants if name in ANSWERS])
]


def _about(name):
    with np.load(ANSWERS[name]) as file:
        return json.loads(str(file["about"]))


@pytest.mark.once
@pytest.mark.parametrize("name", SMALLEST)
def test_state_has_the_names_and_shapes_of_the_reference(name):
    about = _about(name)
    if about["reference"].startswith("keras/"):
        return  # Keras needs no way back.
    side = about["sizes"][0]
    options = about["options"] | {"input_shape": (side, side, about["channels"])}
    model = build(name, **options)
    library = about["reference"].partition("/")[0]
    states = [to_torch(model)]
    if library == "paper":  # whose transcription may have any names that are known
        known = family_of(name).name_maps.items()
        states = [to_torch(model, key) for key, m in known if m.layout == "torch"]
    expected = {
        key: tuple(shape)
        for key, shape in about["shapes"].items()
        if not key.endswith("num_batches_tracked")
    }
    shapes = [{key: tuple(x.shape) for key, x in state.items()} for state in states]
    assert expected in shapes


@pytest.mark.once
def test_pytorch_gives_the_same_answer_with_them():
    torch = pytest.importorskip("torch")
    path = REFERENCES / "papers" / "cifar_resnet.py"
    spec = importlib.util.spec_from_file_location("papers_cifar_resnet", path)
    paper = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(paper)
    ours = build("cifar_resnet20", preprocessing=False, classifier_activation=None)
    drawn = reference_weights({v.path: tuple(v.shape) for v in ours.weights})
    weights.load(ours, drawn)
    theirs = paper.model("resnet20").eval()
    # Strict but for the counters, which inference does not use.
    missing, unexpected = theirs.load_state_dict(to_torch(ours), strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    x = reference_images(32).astype("float32") / 255
    with torch.no_grad():
        expected = theirs(torch.tensor(np.moveaxis(x, -1, 1))).numpy()
    got = ours.predict(x, verbose=0)
    assert np.abs(got - expected).max() <= 1e-5 * np.ptp(expected)


@pytest.mark.parametrize("names", [None, "akamaster"])
def test_files_come_back_as_they_were(names, tmp_path):
    model = build("cifar_resnet20")
    path = tmp_path / "model.safetensors"
    save_safetensors(model, path, names)
    again = build("cifar_resnet20", weights=path)
    for ours, theirs in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(convert_to_numpy(ours), convert_to_numpy(theirs))
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]


def test_what_layers_recorded_is_no_weight(tmp_path):
    recording = build("cifar_resnet20", instrument="stats")
    model = build("cifar_resnet20")
    assert to_torch(recording).keys() == to_torch(model).keys()
    files = [tmp_path / f"some{end}" for end in (".safetensors", ".weights.h5")]
    for source, target in ((model, recording), (recording, model)):
        save_safetensors(source, files[0])
        source.save_weights(files[1])
        for path in files:
            assert weights.load(target, path).complete
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        build("cifar_resnet20", weights=files[1])


def test_unknown_names_are_refused_with_those_that_are_known(tmp_path):
    model = build("cifar_resnet20")
    with pytest.raises(ValueError, match=r"torchvision, .*Received: names='tim'"):
        save_safetensors(model, tmp_path / "x.safetensors", "tim")
    with pytest.raises(ValueError, match="Nobody else's names"):
        to_torch(build("keras_mobilenetv3small", input_shape=(32, 32, 3)))
