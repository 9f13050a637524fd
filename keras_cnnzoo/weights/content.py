"""Check by its first bytes that a file is what its name says."""

import zipfile
from pathlib import Path

#: Bytes at the beginning of a file that are enough to tell its kind.
_BEGINNING = 512
_LFS = b"version https://git-lfs.github.com/"
_PAGES = (b"<!doctype html", b"<html", b"<?xml", b"<head")
#: Endings of files that are zip archives.
_ARCHIVES = (".npz", ".keras")
_HDF5 = b"\x89HDF\r\n\x1a\n"


def check(path: Path, name: str | None = None) -> None:
    """Refuse a file whose first bytes, or whose end, show that it holds no weights.

    Args:
        path: The file.
        name: The file's final name, if `path` is a temporary one.

    Raises:
        ValueError: The file is empty, a Git LFS pointer, a web page, cut short, or not
            of the kind that its name states.
    """
    if reason := _complaint(path, name or path.name):
        raise ValueError(reason)


def _complaint(path: Path, name: str) -> str | None:
    with path.open("rb") as file:
        start = file.read(_BEGINNING)
    if not start:
        return "it is empty"
    if start.startswith(_LFS):
        return (
            "it is a Git LFS pointer, not the file itself: run `git lfs pull`, or "
            "download the file from its page"
        )
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        return (
            "it is a web page, not a weights file: use the address of the file itself, "
            "behind the page's download button"
        )
    if start.startswith(b"PK") and not zipfile.is_zipfile(path):
        return "it is cut short: its end is missing"
    if name.endswith(_ARCHIVES) and not start.startswith(b"PK"):
        return "it does not begin as a zip archive, as .npz and .keras files do"
    if name.endswith(".h5") and not start.startswith(_HDF5):
        return "it does not begin as an HDF5 file does"
    if name.endswith(".safetensors"):
        declared = 8 + int.from_bytes(start[:8], "little")
        if len(start) < 9 or start[8:9] != b"{":
            return "it does not begin as a .safetensors file does"
        if declared > path.stat().st_size:
            return "its header is cut short"
    return None
