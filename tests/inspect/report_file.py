"""A report's file, read by somebody who knows its format from the outside."""

import base64
import json
import re
import zlib

import numpy as np
import pytest

SCRIPT = '<script type="{}" id="{}">(.*?)</script>'
TYPES = {"u1": "u1", "i1": "i1", "u2": "<u2", "i4": "<i4"}


class Page:
    """A written page: its text, its manifest and its arrays."""

    def __init__(self, path):
        self.bytes = path.stat().st_size
        self.text = path.read_text("utf-8")
        found = re.search(SCRIPT.format("application/json", "manifest"), self.text)
        # No NaN or infinity, which JSON does not have.
        self.manifest = json.loads(found[1], parse_constant=pytest.fail)
        self.rows = {row["path"]: row for row in self.manifest["layers"]}

    def arrays(self, block):
        name = re.escape(block)
        found = re.search(SCRIPT.format("text/plain", name), self.text)
        data = zlib.decompress(base64.b64decode(found[1]))
        arrays, at = {}, 0
        for key, kind, shape in self.manifest["blocks"][block]:
            count = int(np.prod(shape))
            size = count * (4 if kind == "f4" else np.dtype(TYPES[kind]).itemsize)
            part = np.frombuffer(data[at : at + size], "u1")
            at += size
            if kind == "f4":
                values = part.reshape(4, -1).T.copy().view("<f4").reshape(shape)
            else:
                values = part.view(TYPES[kind]).reshape(shape)
                if kind == "u1" and len(shape) == 3:
                    values = np.cumsum(values, axis=-1, dtype="u1")
            arrays[key] = values
        assert at == len(data)
        return arrays

    def maps(self, path, image=0):
        """Return the maps as a person sees them, `(channels, height, width)`."""
        arrays = self.arrays(f"m:{image}:{self.rows[path]['same_as'] or path}")
        low, high = arrays["range"].T[..., None, None].astype("float64")
        return low + arrays["maps"] * (high - low) / 255
