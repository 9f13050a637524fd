"""Every check of the project, one after the other: lint, types, docs, tests.

The tests run on each backend; those that say the same on every backend run once.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: The first also runs what says the same on every backend; PyTorch, as it compiles
#: nothing, is done soonest.
BACKENDS = ("torch", "tensorflow", "jax")
CHECKS = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy"],
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


def _run(title: str, command: list[str], **environment: str) -> tuple[bool, str]:
    """Run one check with this Python, showing what it prints as it comes."""
    print(f"== {title}", flush=True)
    started = time.monotonic()
    if command[0] in ("ruff", "mypy"):
        command = ["-m", *command]
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


def main() -> int:
    """Run everything, also after a failure, and close with the tests' totals."""
    good = [_run(title, command)[0] for title, command in CHECKS.items()]
    totals = dict.fromkeys(("passed", "failed", "error", "skipped"), 0)
    for i, backend in enumerate(BACKENDS):
        chosen = "not slow" if i == 0 else "not slow and not once"
        fine, tail = _run(
            f"tests on {backend}",
            [*PYTEST, "-m", chosen],
            KERAS_BACKEND=backend,
            **SETTINGS,
        )
        good.append(fine)
        for outcome in totals:
            if found := re.search(rf"(\d+) {outcome}", tail):
                totals[outcome] += int(found[1])
    failed = totals["failed"] + totals["error"]
    print(f"{totals['passed']} passed, {failed} failed, {totals['skipped']} skipped")
    return 0 if all(good) and totals["passed"] and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
