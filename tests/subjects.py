"""The models that everything in `inspect` is tried on: one of each kind there is."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import pytest
from keras import layers

from keras_cnnzoo import build


class Subject(NamedTuple):
    """How to build a model with random weights, and what images it takes."""

    build: Callable[[], keras.Model]
    shape: tuple[int, int, int]
    classes: int
    #: Pixels are in 0..high.
    high: float = 1.0

    def images(self, count: int = 2, seed: int = 0) -> np.ndarray:
        """Draw noise in the model's range, the same for the same seed."""
        x = np.random.default_rng(seed).uniform(0, self.high, (count, *self.shape))
        return x.astype("float32")


def _resnet18() -> keras.Model:
    return build("resnet18", input_shape=(32, 32, 3), classes=10)


def _lenet5() -> keras.Model:
    return build("lenet5")


def _mobilenet_v2() -> keras.Model:
    return keras.applications.MobileNetV2(
        (32, 32, 3), alpha=0.35, weights=None, classes=10
    )


def _sequential() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(4, 3, activation="relu", name="conv1"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(6, 3, padding="same", name="conv2"),
            layers.BatchNormalization(name="bn"),
            layers.ReLU(name="relu"),
            layers.Flatten(name="flatten"),
            layers.Dense(5, activation="softmax", name="head"),
        ],
        name="plain",
    )


def _nested() -> keras.Model:
    """Build a model in a model in a model: `backbone/stem/conv`."""
    stem = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv"),
            layers.BatchNormalization(name="bn"),
            layers.ReLU(name="relu"),
        ],
        name="stem",
    )
    inputs = keras.Input((16, 16, 3), name="pixels")
    x = stem(inputs)
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(x)
    backbone = keras.Model(inputs, layers.Add(name="add")([x, y]), name="backbone")
    images = keras.Input((16, 16, 3), name="images")
    x = layers.GlobalAveragePooling2D(name="pool")(backbone(images))
    return keras.Model(images, layers.Dense(5, name="head")(x), name="nested")


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    """No graph to cut; `conv2` is called twice."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.conv1 = layers.Conv2D(4, 3, padding="same", name="conv1")
        self.bn = layers.BatchNormalization(name="bn")
        self.conv2 = layers.Conv2D(
            4, 3, padding="same", activation="relu", name="conv2"
        )
        self.pool = layers.GlobalAveragePooling2D(name="pool")
        self.head = layers.Dense(5, activation="softmax", name="head")

    def call(self, images, training=None):
        x = keras.ops.relu(self.bn(self.conv1(images), training=training))
        return self.head(self.pool(self.conv2(self.conv2(x))))


def _subclassed() -> keras.Model:
    model = Subclassed(name="subclassed")
    model(np.zeros((1, 16, 16, 3), "float32"))
    return model


def _keras_hub() -> keras.Model:
    # Its import takes longer than all tests of a file.
    keras_hub = pytest.importorskip("keras_hub")
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[2],
        stackwise_num_strides=[1],
        block_type="basic_block",
        image_shape=(32, 32, 3),
    )
    return keras_hub.models.ImageClassifier(backbone, num_classes=5)


SUBJECTS = {
    "resnet18": Subject(_resnet18, (32, 32, 3), 10, high=255.0),
    "lenet5": Subject(_lenet5, (32, 32, 1), 10, high=255.0),
    "mobilenet_v2": Subject(_mobilenet_v2, (32, 32, 3), 10),
    "sequential": Subject(_sequential, (16, 16, 3), 5),
    "nested": Subject(_nested, (16, 16, 3), 5),
    "subclassed": Subject(_subclassed, (16, 16, 3), 5),
    "keras_hub": Subject(_keras_hub, (32, 32, 3), 5),
}
