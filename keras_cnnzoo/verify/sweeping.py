"""Verify many models, one after the other or in several processes."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from keras_cnnzoo.verify.check import verify
from keras_cnnzoo.verify.comparison import Comparison
from keras_cnnzoo.verify.table import Row

#: The number of models per process, on average, after which all processes are replaced,
#: since backends keep in memory what they compiled.
_MODELS = 40
#: With one process per core, more threads per process would only slow each other down.
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


class Outcome(NamedTuple):
    """The result for one model: its comparison and row, or the error."""

    name: str
    found: Comparison | None = None
    row: Row | None = None
    error: str = ""


def sweep(names: Sequence[str], answers: Path, jobs: int = 1) -> Iterator[Outcome]:
    """Verify models, and yield the outcome of each as soon as it is known.

    If a model cannot be compared, its outcome has the error, and the others go on.

    Args:
        names: Models of `verifiable`.
        answers: The folder with the references' outputs.
        jobs: Number of processes. With one, models are verified in this process.

    Raises:
        ValueError: `jobs` is less than 1.
    """
    if jobs < 1:
        raise ValueError(
            f"`jobs` is a number of processes, at least 1. Received: {jobs}"
        )
    if jobs == 1:
        for name in names:
            yield _outcome(name, answers)
        return
    for variable in _THREADS:
        os.environ.setdefault(variable, "1")
    # A process with a running backend must not be forked.
    context = multiprocessing.get_context("spawn")
    share = jobs * _MODELS
    # New pools, since one with `max_tasks_per_child` hangs in Python 3.11 when all of
    # its processes end at once (python/cpython#115634).
    for start in range(0, len(names), share):
        with ProcessPoolExecutor(jobs, context) as pool:
            waiting = [
                pool.submit(_outcome, name, answers)
                for name in names[start : start + share]
            ]
            try:
                for done in as_completed(waiting):
                    yield done.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _outcome(name: str, answers: Path) -> Outcome:
    try:
        return Outcome(name, *verify(name, answers))
    except Exception as error:
        message = " ".join(str(error).split())
        return Outcome(name, error=f"{type(error).__name__}: {message}")
