"""Whether the network may be used, and what is said where it may not or cannot be."""

import contextlib
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

#: Set to 1, nothing is fetched; what is in the caches is used.
OFFLINE = "KERAS_CNNZOO_OFFLINE"
_TRUE = ("1", "true", "yes", "on")
#: Seconds without a byte after which a server counts as stalled.
TIMEOUT = 10.0


class DownloadError(OSError):
    """Weights could not be fetched, or what came is not what it must be."""


def is_offline(*switches: str) -> bool:
    """Tell whether our own switch, or one of these environment variables, is set."""
    return any(
        os.environ.get(name, "").strip().lower() in _TRUE
        for name in (OFFLINE, *switches)
    )


@contextlib.contextmanager
def library_downloads(what: str) -> Iterator[None]:
    """Bound the downloads of a library that asks the web by Python's `urllib`.

    Raises:
        DownloadError: It could not fetch `what`, or was not to.
    """
    before = socket.getdefaulttimeout()
    opener = getattr(urllib.request, "_opener", None)
    if is_offline():
        urllib.request.install_opener(_Refusing())
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    except Exception as error:
        # Keras raises a bare Exception where a file cannot be fetched.
        if not isinstance(error, OSError) and type(error) is not Exception:
            raise
        reason = f"{OFFLINE} is set" if is_offline() else str(error)
        raise DownloadError(
            f"{what} could not be fetched and are not in the cache: {reason}. Where "
            "there is no network, pass the path of a file that you have."
        ) from error
    finally:
        socket.setdefaulttimeout(before)
        if is_offline():
            urllib.request.install_opener(opener)


class _Refusing(urllib.request.OpenerDirector):
    """Opens nothing."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        raise urllib.error.URLError("offline")
