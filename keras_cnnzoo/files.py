"""Write files so that a crash, a kill or a full disk never destroys the old file.

Keras's `model.save` empties the old file before it writes the new one. Here a partial
file is written in the same folder, synced to the disk, and moved into place by an
atomic rename.

The name of a partial file contains host and process. So the next writer of the same
file recognises and removes the partial files of killed processes.
"""

import contextlib
import os
import secrets
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

import keras

from keras_cnnzoo.internals.saving import lean_saving


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file that replaces `path` when the block ends without an exception.

    Several threads and processes may write the same file: each has its own partial
    file, and the last one to finish wins.

    Args:
        path: The file to write. Its folder must exist.

    Yields:
        The path of an empty file in the same folder, with the same suffix, to write to.

    Raises:
        OSError: The file cannot be written. The file at `path` is unchanged, and the
            partial file is removed.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp(), "notes.txt")
        >>> with replacing(target) as partial:
        ...     _ = partial.write_text("all or nothing")
        >>> target.read_text()
        'all or nothing'
    """
    path = Path(path)
    if path.is_symlink():  # write its target and keep the link
        path = path.resolve()
    partial = _partial(path)
    try:
        # Opened exclusively, so that no other process writes to it.
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        _remove_abandoned(path)
        yield partial
        _sync(partial)
        os.replace(partial, path)
        _sync(path.parent)
    except OSError as error:
        # `filename` is left out: it would name the partial file.
        raise OSError(
            error.errno,
            f"{path} could not be written, and is as it was before: "
            f"{error.strerror or error}",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


#: Identifies this machine among others that share a folder.
_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _partial(path: Path) -> Path:
    """Name a partial file by its target, host, process and a random number."""
    mark = f"{_HOST}-{os.getpid()}-{secrets.token_hex(4)}"
    return path.with_name(f".{path.stem}.{mark}{path.suffix}")


def _remove_abandoned(path: Path) -> None:
    """Remove a target's partial files whose process on this machine has ended."""
    before = f".{path.stem}.{_HOST}-"
    for found in path.parent.iterdir():
        name = found.name
        if name.startswith(before) and name.endswith(path.suffix):
            process, _, rest = name.removeprefix(before).partition("-")
            # Any other pattern belongs to another target.
            ours = rest.removesuffix(path.suffix).isalnum() and process.isdigit()
            if ours and not _is_alive(int(process)):
                with contextlib.suppress(OSError):
                    found.unlink()


def _is_alive(process: int) -> bool:
    """Return whether a process may still be running."""
    if os.name == "nt":
        return False  # Windows does not remove a file that is still open.
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it exists and belongs to another user
        return True
    return True


def _sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder, and needs no sync for a rename.
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file completely or not at all; see `replacing`."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def save_model(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Save a model to a `.keras` file, completely or not at all.

    Like `model.save`, but if the process is killed, or the disk is full, the old file
    is still there and loads.

    Args:
        model: Any Keras model.
        path: The file to write, which ends in `.keras`. Its folder must exist.

    Raises:
        ValueError: `path` does not end in `.keras`.
        OSError: The file cannot be written. The old file is unchanged.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ValueError(f"A model is saved to a `.keras` file. Received: {path}")
    with replacing(path) as partial, lean_saving():
        model.save(partial)
