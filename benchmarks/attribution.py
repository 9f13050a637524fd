"""What a second call of attributions costs, relative to one forward and backward pass.

    KERAS_BACKEND=jax python benchmarks/attribution.py
    KERAS_BACKEND=jax python benchmarks/attribution.py --name lenet5 --batch 8

Prints the time of `grad_cam`, `layer_cam` and `saliency` on images of the same size as
before, relative to a compiled forward pass with the gradient of a logit by the image;
and of `activations`, relative to a tap that is kept. All in one interleaved run.
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
    """Print the ratios of one network."""
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
    """Measure, and print a line a network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--name", choices=NAMES, help="one network (both)")
    parser.add_argument("--batch", type=int, default=8, help="images (%(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="runs (%(default)s)")
    options = parser.parse_args()
    # Random weights may leave no pixel that supports the class, which is of no concern.
    warnings.filterwarnings("ignore", message="No pixel supports")
    print(f"Keras {keras.__version__} on {keras.backend.backend()}")
    for name in [options.name] if options.name else NAMES:
        measure(name, options.batch, options.rounds)


if __name__ == "__main__":
    main()
