"""Time the start of the `cnnzoo` command, and the verification of models.

    python benchmarks/door.py
    python benchmarks/door.py --rounds 9 --models resnet50 googlenet

Prints the median time in seconds of `cnnzoo list` and `cnnzoo show resnet50`, and, for
comparison, of Python alone and of Keras's import. Each runs in a separate process, in
turn. Also prints the CPU seconds of `cnnzoo verify` for some models, and how many rows
of the table of verified models are stale. tests/run.py prints the times of the tests.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ANSWERS = ROOT / "tests" / "references" / "answers"
COMMAND = ("-m", "keras_cnnzoo.cli.main")
ANSWERED = {
    "python": ("-c", "pass"),
    "cnnzoo list": (*COMMAND, "list"),
    "cnnzoo list 'resnet*' --sort top1 --json": (
        *COMMAND,
        *("list", "resnet*", "--sort", "top1", "--json"),
    ),
    "cnnzoo show resnet50": (*COMMAND, "show", "resnet50"),
    "import keras": ("-c", "import keras"),
}


def answered(rounds: int) -> dict[str, float]:
    """Return the median time of each command in seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in ANSWERED}
    for _ in range(rounds):
        for name, command in ANSWERED.items():
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, *command], cwd=ROOT, capture_output=True, check=True
            )
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", nargs="*", default=["lenet5", "resnet50"])
    args = parser.parse_args()
    for name, seconds in answered(args.rounds).items():
        print(f"{name:44} {seconds:6.2f} s")

    from keras_cnnzoo import verify
    from keras_cnnzoo.verify import table

    for name in args.models:
        started = time.process_time()
        verify.verify(name, ANSWERS)
        command = f"cnnzoo verify {name}"
        print(f"{command:44} {time.process_time() - started:6.1f} s of CPU")
    rows = table.read(ROOT / "docs" / "verified.csv")
    started = time.process_time()
    stale = verify.stale_models(ANSWERS, rows)
    print(
        f"{f'{len(stale)} of {len(rows)} rows are stale, found in':44} "
        f"{time.process_time() - started:6.1f} s of CPU"
    )


if __name__ == "__main__":
    main()
