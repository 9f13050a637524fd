"""Names, cards, options, and models that come from elsewhere."""

import subprocess
import sys
from dataclasses import dataclass, fields, replace

import keras
import numpy as np
import pytest

import keras_cnnzoo
from keras_cnnzoo import (
    build,
    card,
    inspect,
    list_layers,
    list_models,
    origin,
    register_layer,
)
from keras_cnnzoo.blocks.heads import average_classifier
from keras_cnnzoo.cards import Family, Paper, Variant
from keras_cnnzoo.registry import families
from keras_cnnzoo.registry.options import Options


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
        ({"input_shape": 32}, r"Did you mean \(32, 32, 3\)"),
        ({"input_shape": np.int32(32)}, r"Did you mean \(32, 32, 3\)"),
        ({"input_shape": "32x32x3"}, "height, width, channels"),
        ({"input_shape": 32.0}, "height, width, channels"),
        ({"input_shape": (True, 32, 3)}, "height, width, channels"),
        ({"input_shape": (32.0, 32, 3)}, "height, width, channels"),
        ({"input_shape": (0, 32, 3)}, "positive"),
        ({"input_shape": (32, 32, None)}, "channels must be known"),
        ({"classes": -1}, "number of classes"),
        ({"classes": 2.5}, "number of classes"),
        ({"classes": True}, "number of classes"),
        ({"classes": False}, "number of classes"),
        ({"classes": "10"}, "number of classes"),
        ({"classes": 0, "pooling": "mean"}, "avg"),
        ({"features": "stage9"}, "stage1, stage2, stage3"),
        ({"features": (7,)}, "by level"),
        ({"features": []}, "True for the maps"),
        ({"features": ()}, "True for the maps"),
        ({"features": [True]}, "True for the maps"),
        ({"features": 1.5}, "True for the maps"),
        ({"features": {"stage1": True}}, "True for the maps"),
        ({"features": (0, "stage1")}, "twice"),
        ({"pooling": "avg"}, "`pooling` makes one number"),
        ({"pooling": "avg", "classes": 10}, "classes=10"),
        ({"pooling": "avg", "classes": 0, "features": 2}, "features=2"),
        ({"pooling": ["avg"], "classes": 0}, "avg"),
    ],
)
def test_bad_options_are_answered(options, said):
    with pytest.raises(ValueError, match=said):
        build("cifar_resnet20", **options)


def test_numbers_of_numpy_are_numbers():
    model = build(
        "cifar_resnet20", classes=np.int64(4), input_shape=np.array([32, 40, 3])
    )
    assert (model.input_shape, model.output_shape) == ((None, 32, 40, 3), (None, 4))


def test_image_too_small_says_what_fits():
    with pytest.raises(ValueError, match=r"'alexnet'.*\(5, 5, 3\).*\(224, 224, 3\)"):
        build("alexnet", input_shape=(5, 5, 3))


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("vgg11", {"pool": "median"}, r"^`pool` is one of"),
        ("resnet18", {"body": "wide", "blocks": (1,)}, None),
        ("cifar_resnet20", {"classifier_activation": "sofmax"}, "sofmax"),
        (
            "lenet5",
            {"head": "rbf", "classes": 3, "input_shape": (36, 36, 1)},
            "^`head=",
        ),
    ],
)
def test_what_is_not_the_sizes_fault_is_not_blamed_on_it(name, options, said):
    options = {"input_shape": (64, 64, 3)} | options
    with pytest.raises(Exception, match=said) as caught:
        build(name, **options)
    assert "does not fit images" not in str(caught.value)
    assert "has to know the size" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        ({"num_classes": 10}, "`classes`"),
        ({"pretrained": True}, '`weights="default"`'),
        ({"include_top": False}, "`classes=0`"),
        ({"in_chans": 1}, "`input_shape`"),
        ({"features_only": True}, "`features=True`"),
        ({"out_indices": (1, 2)}, "`features`"),
    ],
)
def test_arguments_of_others_are_named_as_ours(given, ours):
    with pytest.raises(TypeError, match=f"Here that is .*{ours}"):
        build("resnet18", **given)


def test_names_of_others_are_named_as_ours():
    for module, name, ours in (
        (keras_cnnzoo, "create_model", "build"),
        (keras_cnnzoo, "GradCAM", r"inspect\.grad_cam"),
        (keras_cnnzoo, "gradcam", r"inspect\.grad_cam"),
        (keras_cnnzoo, "flops", r"inspect\.count_macs"),
        (keras_cnnzoo, "listmodels", "list_models"),
        (inspect, "GradCAM", "grad_cam"),
        (inspect, "gradcam", "grad_cam"),
        (inspect, "ScoreCAM", "score_cam"),
        (inspect, "flops", "count_macs"),
        (inspect, "IntegratedGradients", "integrated_gradients"),
    ):
        with pytest.raises(AttributeError, match=f"Here that is: {ours}"):
            getattr(module, name)
    with pytest.raises(AttributeError, match="Did you mean 'receptive_field'"):
        _ = inspect.receptive_fields


def test_wrong_image_size_and_channels_are_refused_by_a_built_model():
    model = build("lenet5")
    for shape in ((1, 28, 28, 1), (1, 32, 32, 3)):
        with pytest.raises(ValueError, match="32"):
            model(np.zeros(shape, "float32"))


def test_features_by_name_and_level():
    model = build("resnet18", input_shape=(64, 64, 3), features=(2, "stage4"))
    assert [x.shape for x in model.output] == [(None, 16, 16, 64), (None, 2, 2, 512)]
    assert origin(model).features == ("stage1", "stage4")
    turned = build("resnet18", input_shape=(64, 64, 3), features=["stage4", 2])
    assert origin(turned).features == ("stage4", "stage1")
    assert [x.shape for x in turned.output] == [x.shape for x in model.output[::-1]]
    assert [(s.name, s.stride, s.channels) for s in card("resnet50").stages] == [
        ("stem", 2, 64),
        ("stage1", 4, 256),
        ("stage2", 8, 512),
        ("stage3", 16, 1024),
        ("stage4", 32, 2048),
    ]


@pytest.mark.parametrize("one", ["stage3", 2, np.int64(2), ["stage3"], (2,)])
def test_one_feature_is_the_map_itself(one):
    model = build("cifar_resnet20", features=one)
    assert model.output.shape == (None, 8, 8, 64)
    assert model.predict(np.zeros((2, 32, 32, 3)), verbose=0).shape == (2, 8, 8, 64)
    assert origin(model).features == ("stage3",)


@pytest.mark.parametrize(
    ("name", "options", "level", "stage"),
    [
        # Two stages of stride 4, and a last one of stride 2 that is not there.
        ("mobilenet_v2", {"stages": ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 2, 2))}, 2,
         "top"),
        ("mobilenet_v2", {"stages": ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 2, 2))}, 1,
         "stage2"),
        ("resnet18", {"blocks": (1, 1)}, 3, "stage2"),
        ("resnet18", {"blocks": (1, 1)}, 2, "stage1"),
        # Sizes that the stride does not divide, and none that are known.
        ("resnet18", {"input_shape": (50, 70, 3)}, 4, "stage3"),
        ("resnet18", {"input_shape": (None, None, 3)}, 4, "stage3"),
        ("vgg11", {"input_shape": (None, 40, 3), "depths": (1, 1), "widths": (8, 8)}, 2,
         "stage2"),
        # Maps without padding are smaller than the image by the stride.
        ("inception_v3", {"input_shape": (128, 128, 3)}, 2, "stage2"),
    ],
)  # fmt: skip
def test_levels_are_those_of_the_network_just_built(name, options, level, stage):
    options = {"input_shape": (64, 64, 3)} | options
    assert origin(build(name, features=level, **options)).features == (stage,)


def test_levels_that_the_network_does_not_have_are_not_offered():
    with pytest.raises(ValueError, match=r"by level: 1, 2, 3\.$"):
        build("resnet18", blocks=(1, 1), features=5, input_shape=(64, 64, 3))


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


def test_what_is_registered_again_is_seen_at_once(toy):
    def coarser(x, config):
        conv = keras.layers.Conv2D(config.width, 3, strides=4, padding="same")
        return {"only": conv(x)}

    assert [tuple(stage) for stage in card("toy_small").stages] == [("stage1", 1, 4)]
    before = card("toy_small").params
    keras_cnnzoo.register(
        replace(TOY, body=coarser, variants={"toy_small": Variant(config=Config(7))})
    )
    about = card("toy_small")
    assert [tuple(stage) for stage in about.stages] == [("only", 4, 7)]
    assert about.params != before
    assert build("toy_small", features=2).output.shape == (None, 2, 2, 7)


def test_strides_that_are_no_whole_number_have_no_level(toy):
    def body(x, config):
        larger = keras.layers.UpSampling2D(2)(x)
        fixed = keras_cnnzoo.layers.AdaptivePooling2D(2)(x)
        thirds = keras.layers.MaxPooling2D(3)(x)
        return {"larger": larger, "fixed": fixed, "thirds": thirds, "same": x}

    keras_cnnzoo.register(replace(TOY, body=body))
    strides = {stage.name: stage.stride for stage in card("toy_small").stages}
    assert strides == {"larger": None, "fixed": None, "thirds": 3, "same": 1}
    with pytest.raises(ValueError, match=r"by level: 0\."):
        build("toy_small", features=1)


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


def test_type_checkers_know_every_option_of_ours():
    known = set(Options.__annotations__)
    for family in families():
        for variant in family.variants.values():
            assert {field.name for field in fields(variant.config)} <= known, (
                family.name
            )


TYPED = """
import keras
from keras_cnnzoo import build
model: keras.Model = build("resnet18", blocks=(1, 1), classes=3)
build("resnet18", num_classes=3)  # error: no such keyword
build("resnet18", clases=3)  # error: no such keyword
"""


@pytest.mark.once
def test_unknown_keywords_of_build_fail_under_mypy(tmp_path):
    file = tmp_path / "use.py"
    file.write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--config-file", "", str(file)]
    command += ["--ignore-missing-imports", "--follow-imports", "silent"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    wrong = [n for n, line in enumerate(TYPED.split("\n"), start=1) if "error" in line]
    found = [
        int(line.split(":")[1]) for line in done.stdout.splitlines() if "error:" in line
    ]
    assert found == wrong, done.stdout


def test_no_name_is_listed_twice():
    names = [name for family in families() for name in family.variants]
    assert len(names) == len(set(names)) == len(list_models())
