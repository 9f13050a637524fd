"""Time the second call of an attribution, relative to a forward and backward pass.

    KERAS_BACKEND=jax python benchmarks/attribution.py
    KERAS_BACKEND=jax python benchmarks/attribution.py --name lenet5 --batch 8

Prints the time of `grad_cam`, `layer_cam` and `saliency` on images of the same size as
before, relative to a compiled forward pass and gradient of a logit with respect to the
image. Also prints the time of `activations`, relative to a `tap` that is already
compiled. The alternatives of each comparison take turns.
"""

import argparse
import warnings

import keras
import numpy as np
from interleaved import ratios
from keras import ops

import keras_cnnzoo
from keras_cnnzoo import inspect
from keras_cnnzoo.backend.forward import to_numpy
from keras_cnnzoo.backend.gradient import differentiate

#: Networks, and the sizes of their images.
NAMES = {"lenet5": (32, 32, 1), "resnet50": (96, 96, 3)}
METHODS = ("grad_cam", "layer_cam", "saliency")


def measure(name: str, batch: int, rounds: int) -> None:
    """Print the time ratios of one network."""
    shape = NAMES[name]
    model = keras_cnnzoo.build(name, input_shape=shape, classifier_activation=None)
    x = np.random.default_rng(0).uniform(0, 255, (batch, *shape)).astype("float32")

    def score(images):
        answer = model(images, training=False)
        return ops.sum(answer[:, 0]), answer

    run = differentiate(model, score)
    alternatives = {"pass": lambda: to_numpy(run(x)[1])}
    for method in METHODS:
        explain = getattr(inspect, method)
        alternatives[method] = lambda explain=explain: explain(model, x, 0)
    found = ratios(alternatives, rounds=rounds)
    look = inspect.tap(model)
    maps = ratios(
        {"tap": lambda: look(x), "activations": lambda: inspect.activations(model, x)},
        rounds=rounds,
    )
    told = ", ".join(f"{method} {found[method]:.2f}" for method in METHODS)
    print(
        f"{name}: {told} of a forward and backward pass; "
        f"activations {maps['activations']:.2f} of a tap",
        flush=True,
    )


def main() -> None:
    """Measure, and print one line for each network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--name", choices=NAMES, help="one network (both)")
    parser.add_argument("--batch", type=int, default=8, help="images (%(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="runs (%(default)s)")
    options = parser.parse_args()
    # With random weights, no pixel may support the class; this does not matter here.
    warnings.filterwarnings("ignore", message="No pixel supports")
    print(f"Keras {keras.__version__} on {keras.backend.backend()}")
    for name in [options.name] if options.name else NAMES:
        measure(name, options.batch, options.rounds)


if __name__ == "__main__":
    main()
