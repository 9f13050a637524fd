"""Names, cards, options, and models that come from elsewhere."""

from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest

import keras_cnnzoo
from keras_cnnzoo import build, card, list_layers, list_models, register_layer
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import Family, Paper, Variant
from keras_cnnzoo.registry import families


def test_patterns_and_filters():
    assert list_models("vgg1?_bn") == ["vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"]
    assert len(list_models(source="keras.applications")) == sum(
        callable(getattr(keras.applications, name))
        for name in dir(keras.applications)
        if name[0].isupper()
    )
    assert list_models(task="segmentation") == []
    assert "keras_resnet50" in list_models(weights=True)
    assert "lenet5" in list_models(weights=False)


def test_unknown_name_offers_the_nearest():
    with pytest.raises(ValueError, match="'resnet18'"):
        build("resnet_18")
    with pytest.raises(ValueError, match="list_models"):
        card("qqqq")
    with pytest.raises(TypeError, match="string"):
        build(18)


def test_unknown_option_names_the_valid_ones():
    with pytest.raises(TypeError, match=r"'botleneck'.*blocks.*zero_init"):
        build("resnet18", botleneck=True)
    with pytest.raises(TypeError, match="Did you mean 'hidden'"):
        build("mlp", hiden=(3,))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"input_shape": (32, 32)}, "height, width, channels"),
        ({"input_shape": (0, 32, 3)}, "positive"),
        ({"input_shape": (32, 32, None)}, "channels must be known"),
        ({"classes": -1}, "number of classes"),
        ({"classes": 2.5}, "number of classes"),
        ({"classes": 0, "pooling": "mean"}, "avg"),
        ({"features": "stage9"}, "stage1, stage2, stage3"),
        ({"features": (7,)}, "by level"),
    ],
)
def test_bad_options_are_answered(options, said):
    with pytest.raises(ValueError, match=said):
        build("cifar_resnet20", **options)


def test_image_too_small_says_what_fits():
    with pytest.raises(ValueError, match=r"'alexnet'.*\(5, 5, 3\).*\(224, 224, 3\)"):
        build("alexnet", input_shape=(5, 5, 3))


def test_wrong_image_size_and_channels_are_refused_by_a_built_model():
    model = build("lenet5")
    for shape in ((1, 28, 28, 1), (1, 32, 32, 3)):
        with pytest.raises(ValueError, match="32"):
            model(np.zeros(shape, "float32"))


def test_features_by_name_and_level():
    model = build("resnet18", input_shape=(64, 64, 3), features=(2, "stage4"))
    assert {name: x.shape for name, x in model.output.items()} == {
        "stage1": (None, 16, 16, 64),
        "stage4": (None, 2, 2, 512),
    }
    assert [(s.name, s.stride, s.channels) for s in card("resnet50").stages] == [
        ("stem", 2, 64),
        ("stage1", 4, 256),
        ("stage2", 8, 512),
        ("stage3", 16, 1024),
        ("stage4", 32, 2048),
    ]


@dataclass(frozen=True)
class Config:
    width: int = 4


def _body(x, config):
    return {"stage1": keras.layers.Conv2D(config.width, 3, name="conv")(x)}


TOY = Family(
    name="toy",
    body=_body,
    head=average_classifier,
    paper=Paper(title="Toys", authors="Nobody", year=2026, url="https://example.org"),
    input_shape=(8, 8, 3),
    classes=2,
    source="toys",
    variants={"toy_small": Variant(config=Config())},
)


@pytest.fixture
def toy():
    keras_cnnzoo.register(TOY)
    yield
    keras_cnnzoo.register(replace(TOY, variants={}))


def test_a_family_registered_by_hand_builds_and_is_measured(toy):
    assert build("toy_small", width=6).get_layer("conv").filters == 6
    assert list_models(source="toys") == ["toy_small"]
    about = card("toy_small")
    assert about.params == 27 * 4 + 4 + 4 * 2 + 2
    assert about.macs == 36 * 27 * 4 + 8


def test_a_name_belongs_to_one_family(toy):
    with pytest.raises(ValueError, match=r"'lenet5'.*'lenet'"):
        keras_cnnzoo.register(
            replace(TOY, variants={"lenet5": Variant(config=Config())})
        )
    with pytest.raises(TypeError, match="Family"):
        keras_cnnzoo.register("toy")
    assert "lenet5" in list_models()


def test_layers_register_under_their_own_package():
    @register_layer(package="toys")
    class ToyLayer(keras.layers.Layer):
        pass

    assert "ToyLayer" in list_layers("Toy*")
    assert keras.saving.get_registered_name(ToyLayer) == "toys>ToyLayer"
    with pytest.raises(TypeError, match="Layer"):
        register_layer(print)

    class LpPooling2D(keras.layers.Layer):
        pass

    with pytest.raises(ValueError, match="keras_cnnzoo"):
        register_layer(LpPooling2D)


def test_no_name_is_listed_twice():
    names = [name for family in families() for name in family.variants]
    assert len(names) == len(set(names)) == len(list_models())
