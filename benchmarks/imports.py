"""Time `import keras_cnnzoo` relative to `import keras`.

    python benchmarks/imports.py

The two imports take turns, each in a new process. Prints the median ratio of the pairs.
"""

import statistics
import subprocess
import sys

CODE = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def seconds(module: str) -> float:
    """Time one import in a new process."""
    run = [sys.executable, "-c", CODE.format(module)]
    return float(subprocess.run(run, capture_output=True, check=True).stdout)


def main(rounds: int = 9) -> None:
    """Let both imports take turns, because the machine's speed drifts."""
    seconds("keras_cnnzoo")
    pairs = [(seconds("keras"), seconds("keras_cnnzoo")) for _ in range(rounds)]
    ratio = statistics.median(ours / alone for alone, ours in pairs)
    alone = statistics.median(alone for alone, _ in pairs)
    print(f"import keras {alone:.2f} s; import keras_cnnzoo {ratio:.3f} of it")


if __name__ == "__main__":
    main()
