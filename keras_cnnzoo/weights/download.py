"""Fetch a file of weights once, whole, and checked.

Beside the file in the cache lies nothing but a lock. What is being fetched is a
`.part`, which takes its place by one rename after its size and digest were found
right; a download that was killed goes on where it stopped.
"""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path

import filelock
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

#: Seconds without a byte after which a server counts as stalled.
TIMEOUT = 10.0
BLOCK = 1 << 20


class DownloadError(OSError):
    """Weights could not be fetched, or what came is not what it must be."""


def cache_folder() -> Path:
    """Return where files are kept: below KERAS_HOME, by default `~/.keras`."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "cnnzoo" / "weights"


def fetch(url: str, *, sha256: str | None = None, folder: Path | None = None) -> Path:
    """Return the local copy of a file, fetched if it is not there yet.

    Several processes may ask at once; one fetches and the others wait.

    Args:
        url: Address of the file, http or https.
        sha256: Digest that the file must have, or the beginning of it; None takes any
            file whose size is what the server said.
        folder: Where to keep it; None takes `cache_folder()`.

    Raises:
        DownloadError: The server cannot be reached, stops sending, or sends something
            else. Nothing is left at the file's place.
        ValueError: The address is not of the web.
    """
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"An address begins with https://. Received: {url!r}")
    folder = cache_folder() if folder is None else folder
    # The address tells apart files of one name; the name tells people what it is.
    mark = hashlib.sha256(url.encode()).hexdigest()[:8]
    path = folder / f"{mark}-{Path(url.split('?')[0]).name}"
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{path}.lock"):
        if path.is_file() and _is(path, sha256):
            return path
        part = path.with_name(f"{path.name}.part")
        _complete(url, part)
        if not _is(part, sha256):
            found = digest(part)
            part.unlink()
            raise DownloadError(
                f"{url} sent a file with SHA-256 {found}, but {sha256} was expected. "
                "Nothing was kept. Try again; if it stays so, the file was exchanged."
            )
        os.replace(part, path)
    return path


def digest(path: Path) -> str:
    """Return the SHA-256 digest of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is(path: Path, sha256: str | None) -> bool:
    return sha256 is None or digest(path).startswith(sha256.lower())


def _complete(url: str, part: Path) -> None:
    """Fetch what is missing of a partial file, taking up a connection that breaks."""
    reason: object = None
    before = -1
    # Whoever sends nothing more at all will not do so when asked once more.
    while (size := part.stat().st_size if part.is_file() else 0) > before:
        before = size
        try:
            _continue(url, part, size)
        except urllib.error.HTTPError as error:
            reason = f"{error.code} {error.reason}"
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                break
            if error.headers.get("Content-Range") == f"bytes */{size}":
                return  # it was whole already
            part.unlink()  # of another file than is there now
            before = -1
        except urllib.error.URLError as error:
            reason = error.reason
            break
        except (OSError, http.client.HTTPException) as error:
            reason = error
        else:
            return
    part.unlink(missing_ok=True)
    raise DownloadError(
        f"{url} could not be fetched: {reason}. Nothing was kept. Where there is no "
        "network, pass the path of a file that you have."
    )


def _continue(url: str, part: Path, there: int) -> None:
    """Ask for the bytes from the end of the partial file on, and append them."""
    headers = {"User-Agent": "keras-cnnzoo", "Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        resumed = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        there = there if resumed else 0
        length = answer.headers["Content-Length"]
        total = there + int(length) if length else None
        with part.open("ab" if resumed else "wb") as file:
            _copy(answer, file, Path(url).name, there, total)
    if total is not None and (size := part.stat().st_size) != total:
        raise http.client.HTTPException(f"it sent {size:,} of {total:,} bytes")


def _copy(answer, file, name: str, done: int, total: int | None) -> None:
    """Write what arrives, showing how far it is on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    bar = Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
    )
    with bar as progress:
        task = progress.add_task(name, total=total, completed=done)
        while block := answer.read(BLOCK):
            file.write(block)
            progress.update(task, advance=len(block))
        file.flush()
        os.fsync(file.fileno())
