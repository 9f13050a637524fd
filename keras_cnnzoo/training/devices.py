"""Train on several devices, by the engine that Keras has for it on each backend."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import keras

from keras_cnnzoo.data import ImageSet
from keras_cnnzoo.data.share import Share
from keras_cnnzoo.internals.placing import EvenOrWhole
from keras_cnnzoo.training.processes import ALONE, Processes

#: Why a backend other than JAX refuses several devices.
REFUSED = {
    "torch": "Keras 3.15 trains on one device with PyTorch. Set KERAS_BACKEND=jax, "
    "which builds and trains the same models by name, or wrap the model in "
    "`torch.nn.parallel.DistributedDataParallel` in a loop of your own.",
    "tensorflow": "With TensorFlow's MirroredStrategy, Keras 3.15 learns other weights "
    "than on one device where a network has dropout or a batch does not split evenly. "
    "Set KERAS_BACKEND=jax, which builds and trains the same models by name.",
}


@dataclass(frozen=True)
class Devices:
    """The devices on which a training computes.

    Every batch is split evenly over all of them, so that they compute the gradient and
    the batch normalisation of one device, up to rounding.

    Attributes:
        count: The number of devices of all processes together.
        processes: The processes that train together.
        scope: Makes the context in which a model is built, compiled and fitted.
    """

    count: int = 1
    processes: Processes = ALONE
    scope: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext

    @property
    def text(self) -> str:
        """The devices in words; empty for one."""
        if self.count == 1:
            return ""
        many = self.processes.count
        shared = f" of {many} processes" if many > 1 else ""
        return f"{self.count}{shared}, which share each batch"

    def check(self, batch_size: int) -> None:
        """Check that the devices can share a batch.

        Raises:
            ValueError: They cannot.
        """
        if batch_size % self.count:
            below = batch_size // self.count * self.count
            near = [size for size in (below, below + self.count) if size]
            raise ValueError(
                f"{self.count} devices cannot share a batch of {batch_size} images "
                f"evenly. Set `batch_size` to {' or '.join(map(str, near))}."
            )

    def part(self, images: ImageSet) -> ImageSet:
        """Return what this process reads of a set."""
        if self.count == 1:
            return images
        share = Share(self.processes.index, self.processes.count, self.count)
        return images.shared(share)


#: One device in one process, as usual.
ONE = Devices()


def open_devices(devices: int | None, processes: Processes = ALONE) -> Devices:
    """Return the devices for a training.

    Args:
        devices: How many of this machine's. None takes one, or all where several
            processes train together.
        processes: The processes that train together.

    Raises:
        ValueError: There are not so many devices, or the backend cannot use several.
    """
    if devices is not None and devices < 1:
        raise ValueError(f"`devices` is at least 1. Received: {devices}")
    if devices in (None, 1) and processes.count == 1:
        return ONE
    if keras.backend.backend() in REFUSED:
        raise ValueError(REFUSED[keras.backend.backend()])
    import jax

    there = jax.local_device_count()
    each = devices or there
    if each > there:
        raise ValueError(
            f"`devices` is {devices}, and JAX finds {there} on this machine: "
            f"{', '.join(map(str, jax.local_devices()))}. Train on {there} or fewer. "
            "To try it out on a CPU, set XLA_FLAGS="
            f"--xla_force_host_platform_device_count={devices}."
        )
    by_process: dict[int, list[Any]] = {}
    for device in jax.devices():
        by_process.setdefault(device.process_index, []).append(device)
    if len({len(held) for held in by_process.values()}) > 1 and devices is None:
        counts = ", ".join(str(len(held)) for _, held in sorted(by_process.items()))
        raise ValueError(
            f"The processes have {counts} devices, and train on as many each. Set "
            "`devices` to a number that all of them have."
        )
    chosen = [d for _, held in sorted(by_process.items()) for d in held[:each]]
    distribution = EvenOrWhole(devices=chosen, auto_shard_dataset=False)
    return Devices(len(chosen), processes, distribution.scope)
