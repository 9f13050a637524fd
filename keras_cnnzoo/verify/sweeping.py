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

#: Models that a process takes before another stands in for it: backends keep what
#: they compiled.
_MODELS = 40
#: With a process for each core, more threads would wait for each other.
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


class Outcome(NamedTuple):
    """What one model gave: its comparison and its row, or why there is none."""

    name: str
    found: Comparison | None = None
    row: Row | None = None
    error: str = ""


def sweep(names: Sequence[str], answers: Path, jobs: int = 1) -> Iterator[Outcome]:
    """Verify models and yield what each gave as soon as it is known.

    A model that cannot be compared gives its error, and the others go on.

    Args:
        names: Models of `verifiable`.
        answers: The folder of the references' answers.
        jobs: Number of processes. With one, models are verified in this process.

    Raises:
        ValueError: `jobs` is not a positive number.
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
    # A backend that runs already must not be forked.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, max_tasks_per_child=_MODELS) as pool:
        waiting = [pool.submit(_outcome, name, answers) for name in names]
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
