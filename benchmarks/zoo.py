"""Compare our networks with Keras Applications: time to build and run, and memory.

    KERAS_BACKEND=tensorflow python benchmarks/zoo.py            both
    KERAS_BACKEND=tensorflow python benchmarks/zoo.py build      time to build
    KERAS_BACKEND=tensorflow python benchmarks/zoo.py run        inference and training

Times are ratios of ours to Keras's, as medians of interleaved rounds. `resnet50_v1` is
the same network as Keras's; `resnet50` has its strides in the 3x3 convolutions and 6 %
more multiply-accumulates. Memory is the peak of a separate process that trains for one
step.
"""

import resource
import subprocess
import sys

import keras
import numpy as np
from interleaved import ratios

from keras_cnnzoo import build

PAIRS = {
    "resnet50": "ResNet50",
    "densenet201": "DenseNet201",
    "efficientnet_b7": "EfficientNetB7",
}
BATCH = 8


def application(name: str) -> keras.Model:
    """Build a network of Keras Applications with random weights."""
    return getattr(keras.applications, name)(weights=None)


def time_builds() -> None:
    """Print the time to build our networks relative to Keras's."""
    for ours, theirs in PAIRS.items():
        found = ratios(
            {
                "theirs": lambda name=theirs: application(name),
                "ours": lambda name=ours: build(name),
            },
            rounds=5,
        )
        print(f"build {ours:16} {found['ours']:.2f} of {theirs}", flush=True)


def models() -> dict[str, keras.Model]:
    """Build the models that are timed."""
    return {
        "theirs": application("ResNet50"),
        "resnet50_v1": build("resnet50_v1"),
        "resnet50_v1, images already normalised": build(
            "resnet50_v1", preprocessing=False
        ),
        "resnet50": build("resnet50"),
    }


def images() -> tuple[np.ndarray, np.ndarray]:
    """Return a batch of noise images, and labels."""
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (BATCH, 224, 224, 3)).astype("float32"), np.arange(BATCH)


def time_runs() -> None:
    """Print the time of inference and of a training step."""
    x, y = images()
    every = models()
    for model in every.values():
        model.compile("sgd", "sparse_categorical_crossentropy")
    steps = {
        "inference": {n: lambda m=m: m.predict_on_batch(x) for n, m in every.items()},
        "training": {n: lambda m=m: m.train_on_batch(x, y) for n, m in every.items()},
    }
    for kind, alternatives in steps.items():
        found = ratios(alternatives, rounds=15)
        for name, ratio in list(found.items())[1:]:
            print(f"{kind} of {name}: {ratio:.3f} of ResNet50", flush=True)


def print_memory(name: str) -> None:
    """Train one step and print this process's peak memory in KiB."""
    model = application(name) if name[0].isupper() else build(name)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.train_on_batch(*images())
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def compare_memory() -> None:
    """Print the peak memory of our networks relative to Keras's."""
    peak = {}
    for name in ("ResNet50", "resnet50_v1", "resnet50"):
        done = subprocess.run(
            [sys.executable, __file__, "memory", name],
            capture_output=True,
            text=True,
            check=True,
        )
        peak[name] = int(done.stdout.split()[-1])
    for name in list(peak)[1:]:
        print(f"memory of {name}: {peak[name] / peak['ResNet50']:.3f} of ResNet50")


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else "both"
    if what == "memory":
        print_memory(sys.argv[2])
    else:
        print(f"Keras {keras.__version__} on {keras.backend.backend()}")
        if what in ("both", "build"):
            time_builds()
        if what in ("both", "run"):
            time_runs()
            compare_memory()
