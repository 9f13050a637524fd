"""Measure the time and memory of reading all convolution outputs of ResNet-50.

    KERAS_BACKEND=jax python benchmarks/activations.py
    KERAS_BACKEND=jax python benchmarks/activations.py --size 128 --rounds 30

Prints the time of a pass in which `tap` returns the outputs of all 53 convolutions,
relative to a plain compiled forward pass of the same batch, in one interleaved run.
Also prints the additional peak memory of a process with `tap`, and the size of the
feature maps. Each peak is measured in a separate process.
"""

import argparse
import resource
import subprocess
import sys

import keras
import numpy as np
from interleaved import ratios

import keras_cnnzoo
from keras_cnnzoo.backend.forward import compiled, to_numpy
from keras_cnnzoo.inspect import activations, keep_memory, tap

#: Keras's own network, and ours.
NAMES = ("ResNet50", "resnet50")
MEBI = 2**20


def model(name: str, size: int) -> keras.Model:
    """Build a network with random weights."""
    shape = (size, size, 3)
    if name[0].isupper():
        return getattr(keras.applications, name)(weights=None, input_shape=shape)
    return keras_cnnzoo.build(name, input_shape=shape)


def images(size: int, batch: int) -> np.ndarray:
    """Return a batch of noise."""
    x = np.random.default_rng(0).uniform(0, 255, (batch, size, size, 3))
    return x.astype("float32")


def time_passes(name: str, options: argparse.Namespace) -> None:
    """Print the time of a pass that returns all feature maps."""
    net, x = model(name, options.size), images(options.size, options.batch)
    look = tap(net)
    count = len(look(x))
    forward = compiled(net, lambda images: net(images, training=False))
    found = ratios(
        {
            "plain": lambda: to_numpy(forward(x)),
            "plain again": lambda: to_numpy(forward(x)),
            "predict": lambda: net.predict_on_batch(x),
            "tap": lambda: look(x),
            "activations": lambda: activations(net, x),
        },
        rounds=options.rounds,
    )
    with keep_memory():
        kept = ratios(
            {"plain": lambda: to_numpy(forward(x)), "tap": lambda: look(x)},
            rounds=options.rounds,
        )
    print(
        f"{name}, {count} maps: tap {found['tap']:.3f} of a plain compiled pass, "
        f"{found['tap'] / found['predict']:.3f} of predict_on_batch; "
        f"a plain pass {found['plain again']:.3f} of another; "
        f"activations {found['activations'] / found['tap']:.3f} of the tap; "
        f"within keep_memory, tap {kept['tap']:.3f} of a plain pass",
        flush=True,
    )


def print_peak(name: str, options: argparse.Namespace) -> None:
    """Run two passes; print the feature maps' bytes and this process's peak in KiB."""
    net, x = model(name, options.size), images(options.size, options.batch)
    look = tap(net) if options.peak == "tap" else net.predict_on_batch
    size = 0
    for _ in range(2):
        found = look(x)
        if isinstance(found, dict):
            size = sum(maps.nbytes for maps in found.values())
        del found
    print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def compare_memory(name: str, options: argparse.Namespace) -> None:
    """Print the peak memory of two processes, one with `tap` and one without."""
    sizes, peaks = {}, {}
    for way in ("plain", "tap"):
        done = subprocess.run(
            [
                *(sys.executable, __file__, "--peak", way, "--name", name),
                *("--size", str(options.size), "--batch", str(options.batch)),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        sizes[way], peaks[way] = map(int, done.stdout.split()[-2:])
    more = (peaks["tap"] - peaks["plain"]) / 1024
    print(
        f"{name}, memory: {peaks['plain'] / 1024:.0f} MiB plain, {more:.0f} MiB more "
        f"with tap, whose maps are {sizes['tap'] / MEBI:.0f} MiB",
        flush=True,
    )


def main() -> None:
    """Measure, and print two lines for each network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=224, help="pixels (%(default)s)")
    parser.add_argument("--batch", type=int, default=16, help="images (%(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="runs (%(default)s)")
    parser.add_argument("--name", choices=NAMES, help="one network (both)")
    parser.add_argument("--peak", choices=("plain", "tap"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print_peak(options.name, options)
        return
    print(
        f"Keras {keras.__version__} on {keras.backend.backend()}, "
        f"{options.batch} images of {options.size} pixels"
    )
    names = [options.name] if options.name else NAMES
    # First, since Linux starts the peak of a child at the size of its parent.
    for name in names:
        compare_memory(name, options)
    for name in names:
        time_passes(name, options)


if __name__ == "__main__":
    main()
