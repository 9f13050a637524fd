"""The device that computes: its name, its free memory, and what a call takes of it.

Keras knows none of these, so this module asks the backend, and for a CPU the system. It
imports only the configured backend.
"""

import ctypes
import gc
import os
import platform
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

Run = Callable[[], object]


def on_accelerator() -> bool:
    """Return whether the default device is something other than the CPU."""
    return _accelerator() is not None


def device_name() -> str:
    """Return the name of the default device, such as "NVIDIA H200"."""
    device = _accelerator()
    if device is None:
        return f"{_processor()} ({cores()} cores)"
    return _NAMES[keras.backend.backend()](device)


def free_memory() -> int | None:
    """Return the bytes that are free for a computation on the CPU.

    None if the system does not say so, or if the device is not the CPU.
    """
    if on_accelerator():
        return None
    return _kibibytes(Path("/proc/meminfo"), "MemAvailable")


def allocated_by(run: Run) -> int | None:
    """Return the most bytes that a call allocates above those allocated before.

    On a CPU these are pages of the process, and only Linux counts them. On an
    accelerator the backend counts them. JAX counts the peak of the whole process there,
    so that the result is None if the call stays below an earlier peak.

    Args:
        run: What is measured. It should have run before, so that nothing is compiled.
    """
    gc.collect()
    device = _accelerator()
    if device is None:
        return _allocated_on_cpu(run)
    return _ALLOCATED[keras.backend.backend()](device, run)


def _accelerator() -> Any:
    return _FIND[keras.backend.backend()]()


def _find_tensorflow() -> Any:
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    return found[0] if found else None


def _find_jax() -> Any:
    import jax

    device = jax.devices()[0]
    return None if device.platform == "cpu" else device


def _find_torch() -> Any:
    import torch

    return torch.device("cuda") if torch.cuda.is_available() else None


def _name_tensorflow(device: Any) -> str:
    import tensorflow as tf

    details = tf.config.experimental.get_device_details(device)
    return str(details.get("device_name", device.name))


def _name_torch(device: Any) -> str:
    import torch

    return str(torch.cuda.get_device_name(device))


def _allocated_tensorflow(device: Any, run: Run) -> int:
    import tensorflow as tf

    memory = tf.config.experimental
    memory.reset_memory_stats("GPU:0")
    before = memory.get_memory_info("GPU:0")["current"]
    run()
    return int(memory.get_memory_info("GPU:0")["peak"] - before)


def _allocated_jax(device: Any, run: Run) -> int | None:
    before = device.memory_stats()
    if before is None:
        return None
    run()
    peak = device.memory_stats()["peak_bytes_in_use"]
    if peak <= before["peak_bytes_in_use"]:
        return None
    return int(peak - before["bytes_in_use"])


def _allocated_torch(device: Any, run: Run) -> int:
    import torch

    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    run()
    return int(torch.cuda.max_memory_allocated(device) - before)


def _allocated_on_cpu(run: Run) -> int | None:
    """Read the peak of the process's memory, which Linux can be told to reset."""
    status = Path("/proc/self/status")
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)  # or freed pages would be allocated again unseen
    try:
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): resets VmHWM
    except OSError:
        return None
    before = _kibibytes(status, "VmRSS")
    run()
    peak = _kibibytes(status, "VmHWM")
    return None if before is None or peak is None else max(0, peak - before)


def _kibibytes(path: Path, name: str) -> int | None:
    """Return the bytes that a line such as "VmRSS: 12 kB" of a file states."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB$", path.read_text(), re.MULTILINE)
    except OSError:
        return None
    return 1024 * int(found[1]) if found else None


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def cores() -> int:
    """Return the number of processors that this process may use."""
    return (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )


_FIND = {"tensorflow": _find_tensorflow, "jax": _find_jax, "torch": _find_torch}
_NAMES: dict[str, Callable[[Any], str]] = {
    "tensorflow": _name_tensorflow,
    "jax": lambda device: str(device.device_kind),
    "torch": _name_torch,
}
_ALLOCATED: dict[str, Callable[[Any, Run], int | None]] = {
    "tensorflow": _allocated_tensorflow,
    "jax": _allocated_jax,
    "torch": _allocated_torch,
}
