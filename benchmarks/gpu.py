"""What the package does on a GPU, in four parts, each in a process and time of its own.

    python benchmarks/gpu.py --cifar cifar10.npz --out gpu.json
    python benchmarks/gpu.py --small                    tiny sizes, to try it on a CPU

It needs JAX, PyTorch and Keras, and no TensorFlow. timm and torchvision take part where
they are installed. All parts together end within 8 minutes; what a part has found is
printed and written even if another one fails or takes too long.

resnet50   ResNet-50 at 224 pixels in bfloat16, 256 images a step: `fit` on JAX, beside
           timm's and torchvision's, channels last and compiled by torch, in turn in one
           process. Images a second, and the share of the measured matrix peak.
files      The same `fit` from JPEG files of 500x375 pixels with random crops, beside
           `fit` on a batch that stays on the device, and beside reading alone.
training   `train`: LeNet-5 on the package's digits, and cifar_resnet20 on --cifar (a
           folder or .npz file, as for `cnnzoo train --data`): accuracy and seconds.
inspect    A forward pass of ResNet-50, the same with `tap` on every stage, and
           `grad_cam`: milliseconds, and times the forward pass.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Seconds that each part may take; together less than 8 minutes.
LIMITS = {"resnet50": 190, "files": 110, "training": 120, "inspect": 50}


@dataclass(frozen=True)
class Size:
    """How much each part does."""

    side: int
    batch: int
    rounds: int
    files: int
    digits_epochs: int
    cifar_epochs: int
    inspected: int


FULL = Size(224, 256, 5, 8192, 30, 20, 64)
SMALL = Size(64, 2, 2, 64, 2, 1, 2)


def resnet50(size: Size, cifar: str | None) -> dict:
    """Measure ResNet-50 beside other libraries, in turn."""
    from keras_cnnzoo.bench import measure_speed

    speed = measure_speed(
        ["resnet50"],
        batch_size=size.batch,
        image_size=size.side,
        precision="bfloat16",
        rounds=size.rounds,
        beside=["timm", "torchvision"],
        say=lambda text: print(f"  {text}", file=sys.stderr, flush=True),
    )
    return speed.to_dict()


def files(size: Size, cifar: str | None) -> dict:
    """Measure `fit` from files, `fit` on one batch, and reading."""
    import keras

    from keras_cnnzoo import build, data
    from keras_cnnzoo.backend.device import cores
    from keras_cnnzoo.bench import reading
    from keras_cnnzoo.bench.contender import Task, keras_contender
    from keras_cnnzoo.precision import POLICIES

    keras.config.set_dtype_policy(POLICIES["bfloat16"])
    with tempfile.TemporaryDirectory() as name:
        count = min(reading.MADE, size.files)
        folder = reading.make_photographs(Path(name), count)
        made = sorted(folder.glob("*/*.jpg"))
        for number in range(len(made), size.files):
            file = made[number % len(made)]
            os.link(file, file.with_name(f"again{number}.jpg"))
        train = data.load(
            folder,
            image_size=size.side,
            batch_size=size.batch,
            augment="imagenet",
            validation=0,
        ).train
        model = build(
            "resnet50",
            input_shape=(size.side, size.side, 3),
            classes=2,
            classifier_activation=None,
        )
        task = Task.draw(size.batch, (size.side, size.side, 3), 2, "bfloat16")
        fit = keras_contender("resnet50", "keras_cnnzoo", model, task)
        fit.passes["training"](2)
        steps = len(train)
        computed = fit.passes["training"](steps)
        began = time.perf_counter()
        train.on_epoch_begin()
        for index in range(steps):
            train[index]
        train.on_epoch_end()
        read = time.perf_counter() - began
        began = time.perf_counter()
        model.fit(train, verbose=0)
        both = time.perf_counter() - began
    images = train.num_examples
    return {
        "cores": cores(),
        "images": images,
        "reading alone, images/s": images / read,
        "fit on one batch, images/s": steps * size.batch / computed,
        "fit from files, images/s": images / both,
        "fit from files, times the longer of both": both / max(read, computed),
    }


def training(size: Size, cifar: str | None) -> dict:
    """Train LeNet-5 on digits, and a ResNet-20 on CIFAR-10."""
    from rich.console import Console

    from keras_cnnzoo.training import train

    found: dict = {}
    wanted = [("lenet5", "digits", size.digits_epochs, None)]
    if cifar is not None:
        wanted.append(("cifar_resnet20", cifar, size.cifar_epochs, "cifar_resnet"))
    for name, data, epochs, recipe in wanted:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            run = train(
                name,
                data,
                recipe=recipe,
                set={"validation": 0.1},
                epochs=epochs,
                out=Path(folder, "run"),
                console=Console(file=io.StringIO()),
            )
        results = run.results
        found[name] = {
            "epochs": epochs,
            f"{results['split']} accuracy": results["accuracy"],
            "seconds of fit": results["seconds"],
            "seconds in all": time.perf_counter() - began,
        }
    return found


def inspect(size: Size, cifar: str | None) -> dict:
    """Time a forward pass, `tap` and `grad_cam`."""
    import statistics

    import keras
    import numpy as np

    from keras_cnnzoo import build, card
    from keras_cnnzoo.backend.forward import compiled, to_numpy
    from keras_cnnzoo.bench.turns import time_in_turn, timed
    from keras_cnnzoo.inspect import grad_cam, tap

    model = build("resnet50", input_shape=(size.side, size.side, 3))
    rng = np.random.default_rng(0)
    shape = (size.inspected, size.side, size.side, 3)
    images = keras.ops.convert_to_tensor(rng.uniform(0, 255, shape).astype("float32"))
    predict = compiled(model, lambda pixels: model(pixels, training=False))
    look = tap(model, list(_outputs(model, card("resnet50"))))
    last: list = []

    def keep(value) -> None:
        last[:] = keras.tree.flatten(value)

    ways = {
        "forward": lambda: keep(predict(images)),
        "tap of every stage": lambda: keep(list(look(images).values())),
        "grad_cam": lambda: keep(grad_cam(model, images)),
    }
    alternatives = [
        timed(way, lambda: to_numpy(keras.ops.convert_to_tensor(last[-1])))
        for way in ways.values()
    ]
    for run in alternatives:
        run(1)
    seconds = time_in_turn(alternatives, size.rounds)
    middle = {
        name: statistics.median(taken)
        for name, taken in zip(ways, seconds, strict=True)
    }
    return {
        name: {"ms": 1e3 * taken, "times forward": taken / middle["forward"]}
        for name, taken in middle.items()
    }


def _outputs(model, about):
    """Yield the layers at the ends of the stages, as `tap` names them."""
    from keras_cnnzoo.inspect import layer_paths

    paths = layer_paths(model)
    for stage in about.stages:
        inside = [path for path in paths if path.startswith(stage.name)]
        yield next(path for path in reversed(inside) if "/" not in path)


PARTS = {
    "resnet50": resnet50,
    "files": files,
    "training": training,
    "inspect": inspect,
}


def with_operators() -> None:
    """Make timm and torchvision importable beside PyTorch's CPU build."""
    sys.path.append(str(ROOT / "tests"))
    import torch_references

    torch_references.reference("timm")


def run_part(name: str, args: argparse.Namespace) -> dict:
    """Run a part in a process of its own, and return what it found, or its error."""
    command = [sys.executable, __file__, "--part", name]
    command += ["--small"] if args.small else []
    command += ["--cifar", args.cifar] if args.cifar else []
    limit = LIMITS[name] * (4 if args.small else 1)
    began = time.perf_counter()
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"error": f"not finished within {limit} s"}
    taken = time.perf_counter() - began
    if done.returncode:
        return {"error": f"exit code {done.returncode}", "seconds": taken}
    return {**json.loads(done.stdout.splitlines()[-1]), "seconds": taken}


def show(name: str, found: dict) -> None:
    """Print the results of a part as lines of a table."""
    print(f"{name}: {found.pop('error', '')}{found.pop('seconds', 0):7.0f} s")
    for row in found.pop("rows", []):
        share, memory = row["share_of_peak"], row["memory"]
        print(
            f"  {row['name']:12}{row['package']:16}{row['step']:10}"
            f"{row['milliseconds']:10.2f} ms{row['noise']:6.1%}"
            f"{row['images_per_second']:10,.0f} images/s"
            f"{'' if share is None else f'{share:8.1%} of peak'}"
            f"{row['times_first']:8.2f} times"
            f"{'' if memory is None else f'{memory / 2**30:8.2f} GiB'}"
        )
    for key, value in found.items():
        print(f"  {key:44}{value if not isinstance(value, float) else f'{value:.4g}'}")


def main() -> None:
    """Run all parts, or one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cifar", help="CIFAR-10, a folder or .npz file")
    parser.add_argument("--small", action="store_true", help="tiny sizes, for a CPU")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(os.environ.get("OUT", "."), "gpu.json"),
        help="file for the results (default: gpu.json, in $OUT if that is set)",
    )
    args = parser.parse_args()
    # Both frameworks need memory of the GPU in one process.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    if args.part:
        if args.small:
            with_operators()
        found = PARTS[args.part](SMALL if args.small else FULL, args.cifar)
        print(json.dumps(found))
        return
    results = {}
    for name in args.only:
        results[name] = run_part(name, args)
        args.out.write_text(json.dumps(results, indent=2))
        show(name, dict(results[name]))
    print(f"{args.out} has all of it")


if __name__ == "__main__":
    main()
