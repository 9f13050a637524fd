"""Time InstrumentedConv2D, switched off and recording statistics.

    KERAS_BACKEND=jax python benchmarks/instrumented.py

Prints the time of a compiled forward pass of ResNet-18 with instrumented convolutions
that are "off", and of a training step with convolutions that record "stats". Both are
relative to the same network with plain Conv2D, which takes turns with them.
"""

import argparse

import keras
import numpy as np
from interleaved import ratios

import keras_cnnzoo


def main() -> None:
    """Measure, and print one line for each comparison."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=128, help="pixels (%(default)s)")
    parser.add_argument("--batch", type=int, default=16, help="images (%(default)s)")
    parser.add_argument("--rounds", type=int, default=20, help="runs (%(default)s)")
    options = parser.parse_args()
    shape = (options.size, options.size, 3)
    x = np.random.default_rng(0).uniform(0, 255, (options.batch, *shape))
    x, y = x.astype("float32"), np.zeros(options.batch, "int32")

    def model(instrument):
        net = keras_cnnzoo.build("resnet18", input_shape=shape, instrument=instrument)
        net.compile("sgd", "sparse_categorical_crossentropy")
        return net

    plain, again = model(False), model(False)
    off, stats = model("off"), model("stats")
    forward = {"plain": plain, "plain again": again, "off": off}
    training = {"plain": plain, "plain again": again, "stats": stats}
    comparisons = {
        "forward": {
            name: lambda m=m: m.predict_on_batch(x) for name, m in forward.items()
        },
        "training step": {
            name: lambda m=m: m.train_on_batch(x, y) for name, m in training.items()
        },
    }
    for title, alternatives in comparisons.items():
        found = ratios(alternatives, rounds=options.rounds)
        print(
            f"{keras.backend.backend()}, {title}, resnet18 at {options.size}, "
            f"batch {options.batch}: "
            + ", ".join(f"{name} {ratio:.3f}" for name, ratio in found.items()),
            flush=True,
        )


if __name__ == "__main__":
    main()
