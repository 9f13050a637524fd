"""A model knows how it was built, whatever happens to it afterwards."""

import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_cnnzoo
from keras_cnnzoo import build, inspect, origin
from keras_cnnzoo.blocks.heads import logits
from keras_cnnzoo.cards import Task
from keras_cnnzoo.registry import assemble

pytestmark = pytest.mark.once
SMALL = {"input_shape": (32, 32, 3)}
#: Name and arguments of models of every kind, quick to build.
BUILT = {
    "plain": ("lenet5", {}),
    "options": ("lenet5", {"classes": 26, "pool": "max", "partial": False}),
    "nested options": (
        "mobilenet_v2",
        SMALL | {"stages": ((1, 16, 1, 1), (6, 24, 2, 1)), "classes": 3},
    ),
    "no preprocessing": ("cifar_resnet20", {"preprocessing": False}),
    "maps": ("cifar_resnet20", {"features": True, "preprocessing": False}),
    "level": ("cifar_resnet20", {"features": (1, "stage3")}),
    "one map": ("cifar_resnet20", {"features": "stage2"}),
    "pooled": ("cifar_resnet20", {"classes": 0, "pooling": "gem"}),
    "open size": ("cifar_resnet20", {"input_shape": (None, None, 1)}),
    "logits": ("cifar_resnet20", {"classifier_activation": None}),
    "of Keras": ("keras_mobilenet", SMALL | {"alpha": 0.25, "classes": 5}),
    "of Keras, bare": (
        "keras_mobilenet",
        SMALL | {"alpha": 0.25, "preprocessing": False, "classes": 0},
    ),
}
each_built = pytest.mark.parametrize("kind", BUILT)


@each_built
def test_holds_the_arguments_of_build(kind):
    name, given = BUILT[kind]
    model = build(name, **given)
    known = origin(model)
    assert known.name == name
    assert known.version == keras_cnnzoo.__version__
    assert known.input_shape == model.input_shape[1:]
    arguments = known.arguments
    if kind == "one map":
        assert known.features == ("stage2",)
    elif kind == "level":
        assert known.features == ("stage2", "stage3")
    elif kind == "maps":
        assert known.features == ("stage1", "stage2", "stage3")
    else:
        assert {key: arguments[key] for key in given} == given
    again = build(name, **arguments)
    assert origin(again) == known
    assert [w.path for w in again.weights] == [w.path for w in model.weights]
    assert [tuple(w.shape) for w in again.weights] == [
        tuple(w.shape) for w in model.weights
    ]


LOAD = """
import pathlib, sys, keras, keras_cnnzoo
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    model = keras.saving.load_model(file, safe_mode=True)
    print(file.stem, keras_cnnzoo.origin(model), sep="|")
"""


def test_is_found_in_a_fresh_process(tmp_path):
    expected = {}
    for kind, (name, given) in BUILT.items():
        model = build(name, **given)
        model.name = "renamed"
        expected[kind] = origin(model)
        model.save(tmp_path / f"{kind}.keras")
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    found = dict(line.split("|") for line in done.stdout.splitlines())
    assert found == {kind: str(known) for kind, known in expected.items()}


@each_built
def test_stays_through_copies(kind):
    name, given = BUILT[kind]
    model = build(name, **given)
    known = origin(model)
    twin = keras.models.clone_model(model)
    twin.name = "other"
    assert origin(twin) == known
    looked_at = inspect.instrument(model)
    assert origin(looked_at) == known
    assert origin(inspect.plain(looked_at)) == known
    assert origin(build(name, instrument=True, **given)) == known
    assert type(looked_at).__module__.startswith("keras.")


def test_other_models_have_none():
    base = build("lenet5", classes=0, pooling="avg")
    inputs = keras.Input((32, 32, 1))
    assert origin(keras.Model(inputs, keras.layers.Flatten()(inputs))) is None
    assert origin(keras.Sequential([keras.layers.Dense(1)])) is None
    holds = keras.Sequential([keras.Input((32, 32, 1)), base, keras.layers.Dense(3)])
    assert origin(holds) is None
    assert origin(holds.layers[0]).name == "lenet5"
    # A name says nothing: anybody may call a model so.
    assert origin(keras.Sequential([keras.Input((1,))], name="resnet50")) is None
    own_top = keras.Model(base.input, keras.layers.Dense(3)(base.output))
    assert origin(own_top).name == "lenet5"


def test_options_may_be_of_keras_or_numpy():
    gate = keras_cnnzoo.layers.SqueezeExcite(ratio=0.25)
    model = build("resnet18", blocks=(np.int64(1), 1, 1, 1), gate=gate, **SMALL)
    options = origin(keras.models.clone_model(model)).options
    assert options["blocks"] == (1, 1, 1, 1)
    assert options["gate"].get_config()["ratio"] == 0.25
    activation = origin(
        build("lenet5", classifier_activation=keras.activations.softmax)
    )
    assert activation.classifier_activation is keras.activations.softmax


def test_channels_first_is_told(channels_first):
    known = origin(build("cifar_resnet20", input_shape=(3, 32, 24)))
    assert (known.data_format, known.input_shape) == ("channels_first", (3, 32, 24))


def test_without_preprocessing_images_come_through_as_they_are():
    model = build("cifar_resnet20", preprocessing=False)
    first = model.layers[1]
    x = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(first(x), x)
    assert not first.weights


def _everywhere(maps, config, *, classes, activation):
    """A head of another task: it looks at two maps, and answers at every position."""
    *_, before, last = maps.values()
    last = keras.layers.UpSampling2D(2)(last)
    both = keras.layers.Concatenate()([before, last])
    return logits(both, classes, activation=activation)


def test_a_new_task_needs_no_change_of_a_family():
    task = Task(name="segmentation", outputs="classes per position", head=_everywhere)
    for name in ("resnet18", "vgg11"):
        model = assemble(name, input_shape=(64, 64, 3), classes=4, task=task)
        *_, side, _, classes = model.output_shape
        assert (side, classes) == (4, 4)
        assert origin(model).name == name
