"""Download a weights file once, check it, and keep it in a cache.

A download goes to a `.part` file, which is renamed to its final name only after its
size, digest and kind have been checked. An interrupted download resumes where it
stopped if the server confirms that the file is unchanged, or if its digest is known.
Once complete, a file has only its lock file beside it in the cache.
"""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import filelock
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from keras_cnnzoo.weights import content
from keras_cnnzoo.weights.offline import (
    OFFLINE,
    TIMEOUT,
    DownloadError,
    is_offline,
)

__all__ = ["TIMEOUT", "DownloadError", "cache_folder", "digest", "fetch"]

BLOCK = 1 << 20
#: A server that sends fewer than SLOW bytes in WINDOW seconds counts as stalled.
SLOW, WINDOW = 20_000, 20.0
#: Requests within one call, if the connection keeps breaking.
ATTEMPTS = 4
#: Statuses for a file that no longer exists; a partial download of it is useless.
_GONE = (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE)


def cache_folder() -> Path:
    """Return the cache folder, below KERAS_HOME or, by default, `~/.keras`."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "cnnzoo" / "weights"


def fetch(url: str, *, sha256: str | None = None, folder: Path | None = None) -> Path:
    """Return the local copy of a file, downloading it if necessary.

    If several processes call this at once, one downloads and the others wait.

    Args:
        url: Address of the file, http or https.
        sha256: Digest that the file must have, or the beginning of it; None checks
            only the size that the server states and the kind that the name states.
        folder: Where to keep the file; None takes `cache_folder()`.

    Raises:
        DownloadError: The server cannot be reached, stops sending or sends another
            file, or downloads are switched off. A cached file is then unchanged.
        ValueError: The address is neither http nor https.
    """
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"An address must begin with https://. Received: {url!r}")
    folder = cache_folder() if folder is None else folder
    # The address's hash tells apart files with the same name; the name is for people.
    mark = hashlib.sha256(url.encode()).hexdigest()[:8]
    path = folder / f"{mark}-{Path(url.split('?')[0]).name}"
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{path}.lock"):
        damage = _problem(path, path.name, sha256) if path.is_file() else None
        if path.is_file() and damage is None:
            return path
        try:
            part = _Part(path)
            _complete(url, part, known=sha256 is not None)
        except DownloadError as error:
            if damage is None:
                raise
            raise DownloadError(
                f"The copy in the cache, {path}, {damage}. Downloading it again "
                f"failed: {error}"
            ) from error
        if problem := _problem(part.path, path.name, sha256):
            part.remove()
            raise DownloadError(
                f"The file downloaded from {url} {problem}. Nothing was kept. Try "
                "again; if it happens again, the file at this address was replaced."
            )
        os.replace(part.path, path)
        part.remove()
    return path


def digest(path: Path) -> str:
    """Return the SHA-256 digest of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _problem(path: Path, name: str, sha256: str | None) -> str | None:
    """Say what is wrong with a file; None if nothing is."""
    try:
        content.check(path, name)
    except ValueError as error:
        reason = f"is not a weights file: {error}"
        # With a digest expected, the message below gives the file's own.
        if sha256 is None:
            return reason
    if sha256 is None or (found := digest(path)).startswith(sha256.lower()):
        return None
    return f"has SHA-256 {found}, but {sha256} was expected"


class _Part:
    """A partial download, and the version of the file that it belongs to."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f"{path.name}.part")
        self._note = path.with_name(f"{path.name}.part.version")

    @property
    def size(self) -> int:
        """Number of bytes downloaded so far."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def version(self) -> str:
        """The file's ETag or modification date; empty if the server gave neither."""
        return self._note.read_text("utf-8") if self._note.is_file() else ""

    def begin(self, version: str) -> None:
        """Start again from the first byte, with another version."""
        self.path.write_bytes(b"")
        self._note.write_text(version, "utf-8")

    def remove(self) -> None:
        """Delete the partial download."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _complete(url: str, part: _Part, *, known: bool) -> None:
    """Download the rest of a partial file, reconnecting if the connection breaks."""
    if is_offline():
        raise DownloadError(
            f"{url} is not in the cache, and {OFFLINE} is set, so it is not "
            "downloaded. Pass the path of a local file."
        )
    # Without a digest, only the server's version shows that two parts belong together.
    if part.size and not (known or part.version):
        part.remove()
    reason: object = None
    before = -1
    for _ in range(ATTEMPTS):
        # A server that sent nothing in the last attempt is not asked again.
        if (size := part.size) <= before:
            break
        before = size
        try:
            _continue(url, part)
        except urllib.error.HTTPError as error:
            reason = f"{error.code} {error.reason}"
            if error.code in _GONE:
                part.remove()
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                break
            if error.headers.get("Content-Range") == f"bytes */{size}":
                return  # the part was complete already
            part.remove()  # it belongs to another version of the file
            before = -1
        except urllib.error.URLError as error:
            reason = error.reason
            break
        except (OSError, http.client.HTTPException) as error:
            reason = error
            if isinstance(error, _SlowError):
                break
        else:
            return
    if kept := part.size:
        left = f"The {kept:,} bytes received are kept, and the next call continues."
    else:
        part.remove()
        left = "Nothing was kept."
    raise DownloadError(
        f"{url} could not be downloaded: {reason}. {left} Without a network, pass "
        "the path of a local file."
    )


class _SlowError(OSError):
    """A server sends data, but too slowly."""


def _continue(url: str, part: _Part) -> None:
    """Request the bytes after the end of the partial file, and append them."""
    headers = {"User-Agent": "keras-cnnzoo", "Accept-Encoding": "identity"}
    there = part.size
    if there:
        headers["Range"] = f"bytes={there}-"
        if part.version:
            headers["If-Range"] = part.version
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        resumed = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        version = _version(answer.headers)
        if not resumed or (part.version and version not in ("", part.version)):
            part.begin(version)
            if resumed:
                raise http.client.HTTPException(
                    "the file on the server changed meanwhile"
                )
            there = 0
        length = answer.headers["Content-Length"]
        total = there + int(length) if length else None
        with part.path.open("ab") as file:
            _copy(answer, file, Path(url).name, there, total)
    if total is not None and part.size != total:
        raise http.client.HTTPException(
            f"the server sent {part.size:,} of {total:,} bytes"
        )


def _version(headers: Any) -> str:
    """Return an identifier of the file's version, for `If-Range`."""
    tag = headers.get("ETag") or ""
    return tag if tag.startswith('"') else headers.get("Last-Modified") or ""


def _copy(answer: Any, file: Any, name: str, done: int, total: int | None) -> None:
    """Write the bytes as they arrive, with a progress bar on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    bar = Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
    )
    with bar as progress:
        task = progress.add_task(name, total=total, completed=done)
        since, count = time.monotonic(), 0
        while block := answer.read1(BLOCK):
            file.write(block)
            progress.update(task, advance=len(block))
            count += len(block)
            if (passed := time.monotonic() - since) > WINDOW:
                if count < SLOW:
                    raise _SlowError(
                        f"the server sent {count:,} bytes in {passed:.0f} seconds"
                    )
                since, count = time.monotonic(), 0
        file.flush()
        os.fsync(file.fileno())
