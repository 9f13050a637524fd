"""`build` and `train` say when a network leaves a single position of small images."""

import re
import warnings

import numpy as np
import pytest
from rich.console import Console

from keras_cnnzoo import build, card, list_models
from keras_cnnzoo.axes import channels_last_shape
from keras_cnnzoo.cli.main import main
from keras_cnnzoo.registry import SmallImageWarning, families, lost_picture
from keras_cnnzoo.registry.small_images import RELATIVE, RELATIVES
from keras_cnnzoo.training import Recipe, train

pytestmark = pytest.mark.once


def _warned(*args, **kwargs):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        build(*args, **kwargs)
    return [str(w.message) for w in caught if w.category is SmallImageWarning]


# Five halvings that round up leave ceil(n / 32) positions, those that round down
# floor(n / 32); MobileNet's and ResNet's padding rounds up, Darknet's pooling down.
@pytest.mark.parametrize(
    ("name", "size", "positions"),
    [
        ("resnet18", 32, 1),
        ("resnet18", 33, 2),
        ("mobilenet_v2", 32, 1),
        ("mobilenet_v2", 33, 2),
        ("darknet19", 63, 1),
        ("darknet19", 64, 2),
        ("cifar_resnet20", 32, 8),
        ("cifar_resnet20", 5, 2),
        ("cifar_resnet20", 4, 1),
    ],
)
def test_it_warns_where_one_position_is_left(name, size, positions):
    shape = (size, size, 3)
    top = build(name, input_shape=shape, classes=0).output
    assert top.shape[1:3] == (positions, positions)
    assert len(_warned(name, input_shape=shape)) == (positions == 1)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet18", {"input_shape": (32, 64, 3)}),
        ("resnet18", {"input_shape": (None, None, 3)}),
        ("resnet18", {"input_shape": (32, 32, 3), "classes": 0}),
        ("resnet18", {"input_shape": (32, 32, 3), "features": True}),
        ("lenet5", {}),  # its fifth layer makes 1x1 of 5x5, as in the paper
        ("vgg11", {"input_shape": (32, 32, 3)}),  # only its last pooling makes 1x1
        ("mobilenet_v3_small", {"input_shape": (64, 64, 3)}),  # gates pool to 1x1
    ],
)
def test_it_is_quiet_elsewhere(name, options):
    assert _warned(name, **options) == []


def test_it_names_the_layer_and_a_relative():
    (text,) = _warned("densenet121", input_shape=(32, 32, 3))
    assert "images of 224x224. At 32x32, its feature maps are 1x1 from" in text
    assert "'cifar_densenet_bc_100_12' is for small images" in text


def test_the_relatives_are_for_small_images():
    assert set(RELATIVES) <= {family.name for family in families()}
    for name in {*RELATIVES.values(), RELATIVE}:
        assert name in list_models()
        assert channels_last_shape(card(name).input_shape) == (32, 32, 3)


@pytest.mark.filterwarnings("ignore::keras_cnnzoo.registry.SmallImageWarning")
def test_channels_may_come_first(channels_first):
    model = build("resnet18", input_shape=(3, 32, 32))
    assert "from 'stage4_block1' on" in lost_picture("resnet18", model)


def test_train_makes_one_note_of_it(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 32, 32, 3)).astype("uint8")
    with warnings.catch_warnings():
        warnings.simplefilter("error", SmallImageWarning)
        run = train(
            "squeezenet1_1",
            (images, np.arange(20) % 2),
            image_size=32,
            recipe=Recipe(epochs=1),
            out=tmp_path / "run",
            console=Console(quiet=True),
        )
    (note,) = [text for text in run.results["notes"] if "1x1" in text]
    assert "'squeezenet1_1' is for images of" in note


def test_the_command_says_it_in_one_line(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        main(["profile", "squeezenet1_1", "--input-size", "32", "32"])
    assert len(re.findall("note: .*1x1", capsys.readouterr().err)) == 1
