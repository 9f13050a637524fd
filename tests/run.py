"""The tests on one backend; with `--rest LOG`, everything else.

python tests/run.py                 the tests that can differ between backends, on
                                    KERAS_BACKEND or TensorFlow
python tests/run.py --rest LOG      lint, types, docs, the same tests on the other
                                    backends, and those that say the same on each, on
                                    PyTorch; LOG is what the first printed, whose
                                    totals are added
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
BACKENDS = ("tensorflow", "jax", "torch")
#: Where tests run that say the same on every backend: it compiles nothing.
QUICKEST = "torch"
#: Tests that can differ between backends, all, and the others.
DIFFER, ALL, ONCE = "not slow and not once", "not slow", "not slow and once"
CHECKS = {
    "lint": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "types": ["-m", "mypy"],
    "pages": ["docs/generate.py"],
    "docs": ["-m", "mkdocs", "build", "--strict", "--quiet"],
}
#: Two workers for two cores; who is done takes over half of what the other has left.
PYTEST = ["-m", "pytest", "-n", "2", "--dist", "worksteal", "--durations", "5"]
#: A worker for each core already, so PyTorch's threads would wait for cores. XLA takes
#: a sixth of the time to compile when it does not optimise what runs once, and emits
#: code in the way that it did before there were emitters of whole fusions.
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_backend_optimization_level=0 "
    "--xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false "
    "--xla_cpu_parallel_codegen_split_count=1",
}
#: Which rows of docs/verified.csv no longer say anything about today's code.
STALE = ["verify", "--changed", "--table", "docs/verified.csv", "--dry-run", "--json"]
OUTCOMES = ("passed", "failed", "error", "skipped")


def _run(title: str, command: list[str], **environment: str) -> tuple[bool, str]:
    """Run one check with this Python, showing what it prints as it comes."""
    print(f"== {title}", flush=True)
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines = []
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    good = process.wait() == 0
    seconds = time.monotonic() - started
    print(
        f"== {title}: {'passed' if good else 'FAILED'} in {seconds:.0f} s", flush=True
    )
    return good, "".join(lines[-20:])


def _tests(backend: str, chosen: str, totals: dict[str, int]) -> bool:
    good, tail = _run(
        f"tests on {backend}",
        [*PYTEST, "-m", chosen],
        KERAS_BACKEND=backend,
        **SETTINGS,
    )
    _add(totals, tail)
    return good


def _add(totals: dict[str, int], text: str) -> None:
    """Add the numbers of the last line that has any."""
    lines = [
        line for line in text.splitlines() if re.search(r"\d+ passed|\d+ failed", line)
    ]
    for outcome in OUTCOMES:
        if lines and (found := re.search(rf"(\d+) {outcome}", lines[-1])):
            totals[outcome] += int(found[1])


def _say_what_is_stale() -> bool:
    """Say how many models changed since they were verified, which is no failure."""
    done = subprocess.run(
        [sys.executable, "-m", "keras_cnnzoo.cli.main", *STALE],
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        print(done.stderr)
        return False
    count = len(json.loads(done.stdout))
    how = " `cnnzoo verify --changed --table docs/verified.csv --jobs 2` compares them."
    print(f"{count} rows of docs/verified.csv are stale.{how if count else ''}")
    return True


def _left(default: str) -> Iterator[tuple[str, str]]:
    """Yield backends and their tests that have not run when one ran what differs."""
    for backend in BACKENDS:
        if backend == QUICKEST:
            yield backend, ONCE if backend == default else ALL
        elif backend != default:
            yield backend, DIFFER


def main() -> int:
    """Run on after a failure, and close with the tests' totals."""
    parser = argparse.ArgumentParser(description=__doc__.partition(";")[0])
    parser.add_argument("--rest", type=Path, metavar="LOG")
    log = parser.parse_args().rest
    default = os.environ.get("KERAS_BACKEND", BACKENDS[0])
    totals = dict.fromkeys(OUTCOMES, 0)
    if log is None:
        good = [_tests(default, DIFFER, totals)]
    else:
        good = [_run(title, command)[0] for title, command in CHECKS.items()]
        good += [_tests(*left, totals) for left in _left(default)]
        good.append(_say_what_is_stale())
        _add(totals, log.read_text(errors="replace"))
    failed = totals["failed"] + totals["error"]
    print(f"{totals['passed']} passed, {failed} failed, {totals['skipped']} skipped")
    return 0 if all(good) and totals["passed"] and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
