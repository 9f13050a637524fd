"""A network that is timed: its forward pass and its training step."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_cnnzoo.axes import image_shape
from keras_cnnzoo.backend.forward import compiled, to_numpy
from keras_cnnzoo.backend.repeated import repeated
from keras_cnnzoo.bench.turns import Steps, timed
from keras_cnnzoo.inspect import count_macs, count_params
from keras_cnnzoo.inspect.cost.memory import weight_bytes

#: Learning rate and momentum of the SGD of a training step. The rate is so small that
#: a network with random labels stays finite.
RATE, MOMENTUM = 1e-4, 0.9


@dataclass(frozen=True)
class Task:
    """What every network gets.

    Attributes:
        images: Images of random pixels, `(batch, height, width, channels)`, 8-bit.
        labels: A random class number for each.
        classes: Number of classes.
        precision: "float32", "bfloat16" or "float16".
    """

    images: np.ndarray
    labels: np.ndarray
    classes: int
    precision: str

    @classmethod
    def draw(
        cls, batch_size: int, shape: tuple[int, ...], classes: int, precision: str
    ) -> "Task":
        """Draw the images and labels; `shape` is `(height, width, channels)`."""
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (batch_size, *shape), np.uint8)
        labels = rng.integers(0, classes, batch_size).astype("int32")
        return cls(images, labels, classes, precision)


@dataclass(frozen=True)
class Contender:
    """A network, ready to be timed.

    Attributes:
        name: Its name.
        package: The package that it comes from.
        params: Number of trainable parameters.
        macs: Multiply-accumulates for one image; None if they are not known.
        passes: By name ("forward", "training"): runs steps, and returns the seconds.
        held: Bytes that it holds between two steps, by the same names.
    """

    name: str
    package: str
    params: int
    macs: int | None
    passes: Mapping[str, Steps]
    held: Mapping[str, Callable[[], int]]


def keras_contender(
    name: str, package: str, model: keras.Model, task: Task
) -> Contender:
    """Prepare a Keras model that outputs logits.

    The forward pass is compiled as in `predict`, and its outputs are not copied from
    the device. A training step is one of `fit` with SGD and the default settings of
    `compile`. In both, the batch stays on the device.
    """
    model.compile(
        keras.optimizers.SGD(RATE, MOMENTUM),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    images = np.transpose(task.images, (0, *(1 + i for i in image_shape((0, 1, 2)))))
    batch = ops.convert_to_tensor(images), ops.convert_to_tensor(task.labels)
    predict = compiled(model, lambda pixels: model(pixels, training=False))
    outputs: list[Any] = []

    def forward() -> None:
        outputs[:] = keras.tree.flatten(predict(batch[0]))

    def train(count: int) -> float:
        clock = _Clock()
        # Keras would shuffle the batches, of which there is one.
        model.fit(repeated(*batch, count), shuffle=False, verbose=0, callbacks=[clock])
        if hasattr(model, "zero_grad"):  # on PyTorch, where gradients stay allocated
            model.zero_grad()
        return clock.seconds

    def held() -> int:
        return sum(map(weight_bytes, model.variables))

    def held_in_training() -> int:
        return held() + sum(map(weight_bytes, model.optimizer.variables))

    return Contender(
        name,
        package,
        count_params(model),
        count_macs(model),
        {"forward": timed(forward, lambda: to_numpy(outputs[0])), "training": train},
        {"forward": held, "training": held_in_training},
    )


class _Clock(keras.callbacks.Callback):
    """Measures an epoch, without what `fit` does before and after it."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        float(logs["loss"])  # it is there once the last step is done
        self.seconds = time.perf_counter() - self._began
