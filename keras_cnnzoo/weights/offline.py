"""Tell whether downloads are allowed, and raise one error when they fail."""

import contextlib
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

#: If this environment variable is 1, nothing is downloaded; only the caches are used.
OFFLINE = "KERAS_CNNZOO_OFFLINE"
_TRUE = ("1", "true", "yes", "on")
#: Seconds without a byte after which a server counts as stalled.
TIMEOUT = 10.0


class DownloadError(OSError):
    """Weights could not be downloaded, or the file received is not the expected one."""


def is_offline(*switches: str) -> bool:
    """Tell whether `OFFLINE`, or one of these environment variables, is set."""
    return any(
        os.environ.get(name, "").strip().lower() in _TRUE
        for name in (OFFLINE, *switches)
    )


@contextlib.contextmanager
def library_downloads(what: str) -> Iterator[None]:
    """Apply our timeout and offline switch to a library that uses Python's `urllib`.

    Raises:
        DownloadError: `what` could not be downloaded, or downloads are switched off.
    """
    before = socket.getdefaulttimeout()
    opener = getattr(urllib.request, "_opener", None)
    if is_offline():
        urllib.request.install_opener(_Refusing())
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    except Exception as error:
        # Keras raises a bare Exception if a download fails.
        if not isinstance(error, OSError) and type(error) is not Exception:
            raise
        reason = f"{OFFLINE} is set" if is_offline() else str(error)
        raise DownloadError(
            f"{what} could not be downloaded and are not in the cache: {reason}. "
            "Without a network, pass the path of a local file."
        ) from error
    finally:
        socket.setdefaulttimeout(before)
        if is_offline():
            urllib.request.install_opener(opener)


class _Refusing(urllib.request.OpenerDirector):
    """An opener that refuses every address."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        raise urllib.error.URLError("offline")
