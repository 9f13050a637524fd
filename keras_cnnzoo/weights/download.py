"""Fetch a file of weights once, whole, and checked.

Beside the file in the cache lies nothing but a lock. What is being fetched is a
`.part`, which takes its place by one rename after its size, digest and kind were found
right. A download that broke off goes on where it stopped, if the server says that the
file is still the same.
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
#: A server that sends fewer bytes than these in so many seconds counts as stalled.
SLOW, WINDOW = 20_000, 20.0
#: How often a connection that breaks is taken up within one call.
ATTEMPTS = 4
#: Answers that say that the file is not there, so that what came of it is of no use.
_GONE = (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE)


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
            file of the size that the server said and the kind that its name says.
        folder: Where to keep it; None takes `cache_folder()`.

    Raises:
        DownloadError: The server cannot be reached or may not be asked, stops sending,
            or sends something else. Nothing is left at the file's place.
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
                f"The copy in the cache, {path}, {damage}; and another could not be "
                f"had: {error}"
            ) from error
        if problem := _problem(part.path, path.name, sha256):
            part.remove()
            raise DownloadError(
                f"What {url} sent {problem}. Nothing was kept. Try again; if it stays "
                "so, the file was exchanged."
            )
        os.replace(part.path, path)
        part.remove()
    return path


def digest(path: Path) -> str:
    """Return the SHA-256 digest of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _problem(path: Path, name: str, sha256: str | None) -> str | None:
    """Say what is wrong with a file, None if nothing is."""
    try:
        content.check(path, name)
    except ValueError as error:
        reason = f"is no file of weights: {error}"
        # Another file than expected is said with its digest.
        if sha256 is None:
            return reason
    if sha256 is None or (found := digest(path)).startswith(sha256.lower()):
        return None
    return f"is a file with SHA-256 {found}, but {sha256} was expected"


class _Part:
    """What has come of a file so far, and which version of it that is."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f"{path.name}.part")
        self._note = path.with_name(f"{path.name}.part.version")

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def version(self) -> str:
        """What the server called the file; empty where it did not."""
        return self._note.read_text("utf-8") if self._note.is_file() else ""

    def begin(self, version: str) -> None:
        """Start anew, with another version."""
        self.path.write_bytes(b"")
        self._note.write_text(version, "utf-8")

    def remove(self) -> None:
        """Leave nothing of it."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _complete(url: str, part: _Part, *, known: bool) -> None:
    """Fetch what is missing of a partial file, taking up a connection that breaks."""
    if is_offline():
        raise DownloadError(
            f"{url} is not in the cache, and {OFFLINE} is set, so it is not fetched. "
            "Pass the path of a file that you have."
        )
    # Without a digest, two halves are one file only if the server says so.
    if part.size and not (known or part.version):
        part.remove()
    reason: object = None
    before = -1
    for _ in range(ATTEMPTS):
        # Whoever sends nothing more at all will not do so when asked once more.
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
                return  # it was whole already
            part.remove()  # of another file than is there now
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
        left = f"The {kept:,} bytes that came are kept, and the next call goes on."
    else:
        part.remove()
        left = "Nothing was kept."
    raise DownloadError(
        f"{url} could not be fetched: {reason}. {left} Where there is no network, pass "
        "the path of a file that you have."
    )


class _SlowError(OSError):
    """A server sends, but hardly anything."""


def _continue(url: str, part: _Part) -> None:
    """Ask for the bytes from the end of the partial file on, and append them."""
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
                raise http.client.HTTPException("the file was exchanged meanwhile")
            there = 0
        length = answer.headers["Content-Length"]
        total = there + int(length) if length else None
        with part.path.open("ab") as file:
            _copy(answer, file, Path(url).name, there, total)
    if total is not None and part.size != total:
        raise http.client.HTTPException(f"it sent {part.size:,} of {total:,} bytes")


def _version(headers: Any) -> str:
    """Return what tells one version of a file from another, for `If-Range`."""
    tag = headers.get("ETag") or ""
    return tag if tag.startswith('"') else headers.get("Last-Modified") or ""


def _copy(answer: Any, file: Any, name: str, done: int, total: int | None) -> None:
    """Write what arrives, showing how far it is on a terminal."""
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
                    raise _SlowError(f"it sent {count:,} bytes in {passed:.0f} seconds")
                since, count = time.monotonic(), 0
        file.flush()
        os.fsync(file.fileno())
