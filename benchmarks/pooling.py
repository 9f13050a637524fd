"""Time Lp pooling relative to average pooling, and to the obvious formula.

    python benchmarks/pooling.py

Every mode runs in a separate process. Each candidate takes turns with average pooling
of the same window, and the median of the pairs' ratios is written, so that other load
on the machine affects both. The table is written to `pooling.md` beside this file.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

MODES = {
    "TensorFlow graph": "tensorflow",
    "TensorFlow XLA": "tensorflow",
    "JAX jit": "jax",
    "PyTorch eager": "torch",
}
WINDOWS = [(2, 2), (3, 2)]
PACKAGES = ["keras", "tensorflow", "jax", "torch", "numpy"]


def candidates(window, strides):
    """Return the functions to compare by name; the others are relative to the first."""
    import keras
    from keras import ops

    from keras_cnnzoo.layers import L2NormPooling2D, LpPooling2D, power

    sizes, steps, axes = (window, window), (strides, strides), (1, 2)
    floor = keras.layers.AveragePooling2D(window, strides)

    def obvious(x):
        mean = ops.average_pool(x * x, window, strides, "valid", "channels_last")
        return ops.sqrt(mean * window**2)

    def pooled(x):
        def total(v):
            return power.pooled_sum(v, sizes, steps, "channels_last")

        return power.lp_norm(x, 2, total, axes)

    def sliced(x):
        def total(v):
            return power.sliced_sum(v, axes, sizes, steps)

        return power.lp_norm(x, 2, total, axes)

    return {
        "AveragePooling2D": floor,
        "L2NormPooling2D": L2NormPooling2D(window, strides),
        "obvious": obvious,
        "by pooling": pooled,
        "by slices": sliced,
        "LpPooling2D(p=3)": LpPooling2D(window, strides, p=3),
    }


def tensorflow_runs(function, x, upstream, *, jit_compile):
    """Return a forward run, and a forward run with the gradient."""
    import tensorflow as tf

    x, upstream = tf.constant(x), tf.constant(upstream)

    @tf.function(jit_compile=jit_compile)
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x, upstream)

    forward = tf.function(function, jit_compile=jit_compile)
    return lambda: forward(x).numpy(), lambda: gradient(x).numpy()


def jax_runs(function, x, upstream):
    """Return a forward run, and a forward run with the gradient."""
    import jax

    x, upstream = jax.device_put(x), jax.device_put(upstream)
    forward = jax.jit(function)
    gradient = jax.jit(lambda x, g: jax.vjp(function, x)[1](g))
    return (
        lambda: jax.block_until_ready(forward(x)),
        lambda: jax.block_until_ready(gradient(x, upstream)),
    )


def torch_runs(function, x, upstream):
    """Return a forward run, and a forward run with the gradient."""
    import torch
    from keras import ops

    x, upstream = ops.convert_to_tensor(x), ops.convert_to_tensor(upstream)
    watched = x.clone().requires_grad_()

    def wait():
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    def forward():
        with torch.no_grad():
            function(x)
        wait()

    def gradient():
        torch.autograd.grad(function(watched), watched, upstream)
        wait()

    return forward, gradient


def measure(mode, shape, repeats):
    """Return `{window: {name: (forward, with gradient)}}`.

    The first function has medians in milliseconds, the others median ratios to it.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype("float32")
    table = {}
    for window, strides in WINDOWS:
        functions = candidates(window, strides)
        floor, *others = functions
        upstream = rng.normal(size=functions[floor].compute_output_shape(shape))
        upstream = upstream.astype("float32")
        runs = {}
        for name, function in functions.items():
            if MODES[mode] == "tensorflow":
                pair = tensorflow_runs(
                    function, x, upstream, jit_compile=mode == "TensorFlow XLA"
                )
            elif MODES[mode] == "jax":
                pair = jax_runs(function, x, upstream)
            else:
                pair = torch_runs(function, x, upstream)
            for run in pair:
                run()
            runs[name] = pair
        rows = {name: ([], []) for name in functions}
        for _ in range(repeats):
            for name in others:
                for i in (0, 1):
                    base = _seconds(runs[floor][i])
                    rows[floor][i].append(1000 * base)
                    rows[name][i].append(_seconds(runs[name][i]) / base)
        key = f"{window}x{window}, stride {strides}"
        table[key] = {n: [statistics.median(v) for v in row] for n, row in rows.items()}
    return table


def _seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def report(tables, shape, repeats):
    """Return the Markdown page."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    lines = [
        "# Lp pooling",
        "",
        "Written by `python benchmarks/pooling.py` on "
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {os.cpu_count()} CPU cores "
        f"({platform.machine()}), Python {platform.python_version()}, {versions}.",
        "",
        f"Input {shape} float32. Each cell is forward / forward and gradient. The "
        "times of AveragePooling2D are in",
        "milliseconds; all others are ratios to AveragePooling2D with the same window, "
        f"medians of {repeats} pairs.",
        "L2NormPooling2D is this package's layer. It sums windows by pooling on "
        "TensorFlow and by slices on the other",
        "backends; both ways are shown for every backend. The column `obvious` is "
        "`sqrt(average_pool(x * x) * area)`,",
        "which has a NaN gradient at 0 and overflows in float16.",
    ]
    for window in next(iter(tables.values())):
        names = list(next(iter(tables.values()))[window])
        lines += [
            "",
            f"## {window}",
            "",
            "| | " + " | ".join(names) + " |",
            "|---" * (len(names) + 1) + "|",
        ]
        for mode, table in tables.items():
            floor, *ratios = table[window].values()
            cells = [f"{floor[0]:.1f} / {floor[1]:.1f} ms"]
            cells += [f"{forward:.2f} / {both:.2f}" for forward, both in ratios]
            lines.append(f"| {mode} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(arguments=None):
    """Measure every mode in a new process and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", type=int, nargs=4, default=[16, 112, 112, 64])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_suffix(".md")
    )
    parser.add_argument("--mode", choices=MODES, help="one mode, as JSON to stdout")
    args = parser.parse_args(arguments)
    shape = tuple(args.shape)
    if args.mode:
        json.dump(measure(args.mode, shape, args.repeats), sys.stdout)
        return
    tables = {}
    for mode, backend in MODES.items():
        print(mode, file=sys.stderr)
        command = [sys.executable, __file__, "--mode", mode]
        command += ["--repeats", str(args.repeats), "--shape", *map(str, shape)]
        env = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True)
        tables[mode] = json.loads(done.stdout)
    args.output.write_text(report(tables, shape, args.repeats), encoding="utf-8")


if __name__ == "__main__":
    main()
