"""Several processes that train one model together, by `jax.distributed`.

All of them run the same program on their own part of the data. Each step waits for all,
so they have to build, save and load in the same order: process 0 does so in the run's
folder, the others in temporary folders.
"""

import atexit
import contextlib
import hashlib
import io
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

#: Where Kubeflow's `jax-distributed` runtime, and JAX itself, say who takes part.
ADDRESS, COUNT, INDEX = (
    *("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"),
)
#: What the messages of the backend have in common when another process has ended.
LOST = ("Gloo", "NCCL", "UNAVAILABLE", "coordination service", "Connection reset")
#: Bytes that are sent to the other processes at once.
PART = 2**30
#: Exit codes of a process that failed, and of one that cannot go on without another.
FAILED, LOST_CODE = 1, 75


class ProcessLost(RuntimeError):  # noqa: N818 - this process made no mistake
    """Another process of this training ended."""

    exit_code = LOST_CODE


@dataclass(frozen=True)
class Hosts:
    """Where the processes of a training find each other.

    Attributes:
        address: `host:port` of process 0, on a port that is free there.
        count: The number of processes.
        index: The number of this one, from 0.
    """

    address: str
    count: int
    index: int

    def __post_init__(self) -> None:
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(
                f"`hosts` begin with the address of process 0, such as 10.0.0.1:7777. "
                f"Received: {self.address!r}"
            )
        if not 0 <= self.index < self.count:
            raise ValueError(
                f"{self.count} processes are numbered from 0 to {self.count - 1}. "
                f"Received: {self.index}"
            )

    @classmethod
    def parse(cls, text: str) -> "Hosts":
        """Read `ADDRESS:PORT,COUNT,INDEX`.

        Raises:
            ValueError: It is not of this form.
        """
        address, *numbers = text.split(",")
        if len(numbers) != 2 or not all(number.isdigit() for number in numbers):
            raise ValueError(
                "`hosts` is ADDRESS:PORT,COUNT,INDEX, such as 10.0.0.1:7777,2,0 on the "
                f"first of two machines. Received: {text!r}"
            )
        return cls(address, *map(int, numbers))

    @classmethod
    def of_environment(cls, values: Mapping[str, str] = os.environ) -> "Hosts | None":
        """Return what the environment says; None for one process.

        Raises:
            ValueError: It says only a part.
        """
        count = values.get(COUNT, "1")
        if count == "1":
            return None
        if lacking := [name for name in (ADDRESS, INDEX) if not values.get(name)]:
            raise ValueError(
                f"{COUNT} is {count}, and {' and '.join(lacking)} not set. Set all "
                "three, or none of them to train in one process."
            )
        return cls.parse(f"{values[ADDRESS]},{count},{values[INDEX]}")


@dataclass(frozen=True)
class Processes:
    """The processes of a training.

    Attributes:
        index: The number of this process. Process 0 writes the run's folder.
        count: How many there are.
    """

    index: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the run's folder and shows the progress."""
        return self.index == 0

    def begin(self) -> None:
        """Begin a training: until it ends in order, this process waits for no other."""
        _EXIT.code = FAILED

    def own_folder(self) -> Path:
        """Make a temporary folder, which is removed when the process ends."""
        folder = tempfile.mkdtemp(prefix=f"cnnzoo-process{self.index}-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def copied(self, folder: Path) -> Path:
        """Return a copy of a folder of process 0, in which it is the folder itself.

        Args:
            folder: The folder. Only process 0 has to see it.
        """
        if self.count == 1:
            return folder
        packed = _broadcast(_pack(folder) if self.leads else b"", self.leads)
        if self.leads:
            return folder
        own = self.own_folder()
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(own, filter="data")
        return own

    def shown(self, folder: Path) -> str:
        """Return the run's folder as users know it: that of process 0.

        Args:
            folder: What this process has as the run's folder.
        """
        return str(folder) if self.leads else "RUN, the run folder of process 0"

    def check_same(self, model: keras.Model) -> None:
        """Check that a model has the same weights in every process.

        Raises:
            RuntimeError: It has not; every process raises it.
        """
        if self.count == 1:
            return
        from jax.experimental import multihost_utils

        digest = hashlib.sha256()
        for weight in model.weights:
            digest.update(keras.ops.convert_to_numpy(weight).tobytes())
        own = np.frombuffer(digest.digest(), np.uint8)
        found = np.asarray(multihost_utils.process_allgather(own))
        others = np.flatnonzero((found != found[0]).any(axis=1)).tolist()
        if others:
            raise RuntimeError(
                f"Process {', '.join(map(str, others))} saved other weights than "
                "process 0, so it trains on other data or computes otherwise. Compare "
                "the versions of the packages and the data on the machines."
            )

    def are_called(self, step: int) -> bool:
        """Return whether all processes are to stop before a step, the same for all.

        JAX notes a SIGTERM in any of them. It has to be asked before every step.

        Args:
            step: Counts the calls.
        """
        if self.count == 1:
            return False
        from jax.experimental import multihost_utils

        return bool(multihost_utils.reached_preemption_sync_point(step))

    @contextlib.contextmanager
    def together(self, folder: Path) -> Iterator[None]:
        """Run the part of a training in which the processes wait for each other.

        Args:
            folder: The run's folder.

        Raises:
            ProcessLost: Another process has ended.
        """
        try:
            yield
        except Exception as error:
            # All of them stop in order, or else none waits for the others.
            in_order = getattr(error, "exit_code", None) is not None
            _EXIT.code = None if in_order else FAILED
            if self.count > 1 and any(sign in str(error) for sign in LOST):
                _EXIT.code = LOST_CODE
                raise ProcessLost(
                    "Another process of this training has ended; its own messages say "
                    f"why. Go on from the last checkpoint, on all machines, with: "
                    f"cnnzoo train --resume {self.shown(folder)}"
                ) from error
            raise
        _EXIT.code = None


#: One process, as usual.
ALONE = Processes()


def join(hosts: Hosts | None = None) -> Processes:
    """Join the other processes of a training, once in the life of this one.

    It comes before the first computation.

    Args:
        hosts: Where they are. None takes what the environment says, in the variables
            of Kubeflow's `jax-distributed` runtime, or one process.

    Raises:
        ValueError: The backend is not JAX.
    """
    hosts = hosts or Hosts.of_environment()
    name = keras.backend.backend()
    if hosts is None and name != "jax":
        return ALONE
    if name != "jax":
        raise ValueError(
            f"Several processes train together on JAX alone, and the backend is {name}."
            " Set KERAS_BACKEND=jax."
        )
    import jax

    if hosts is not None and not jax.distributed.is_initialized():
        jax.distributed.initialize(hosts.address, hosts.count, hosts.index)
        atexit.register(_EXIT)  # after JAX's own, and so before it
    if not jax.distributed.is_initialized():
        return ALONE
    return Processes(jax.process_index(), jax.process_count())


class _Exit:
    """Ends a process that failed, in place of JAX, which would wait for the others."""

    def __init__(self) -> None:
        self.code: int | None = None

    def __call__(self) -> None:
        if self.code is not None:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.code)


_EXIT = _Exit()


def _pack(folder: Path) -> bytes:
    """Return what a training that goes on reads of a run's folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                archive.add(path, path.relative_to(folder))
    return packed.getvalue()


def _broadcast(content: bytes, leads: bool) -> bytes:
    """Return process 0's bytes in every process, sent in parts of at most PART."""
    from jax.experimental import multihost_utils

    def sent(array: np.ndarray) -> np.ndarray:
        return np.asarray(multihost_utils.broadcast_one_to_all(array, leads))

    # JAX has 32 bits for whole numbers.
    parts, rest = map(int, sent(np.array(divmod(len(content), PART), np.int32)))
    size = parts * PART + rest
    held = np.frombuffer(content, np.uint8) if leads else np.zeros(size, np.uint8)
    starts = range(0, size, PART)
    return b"".join(sent(held[start : start + PART]).tobytes() for start in starts)
