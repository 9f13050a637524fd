"""Names for the calls of layers inside a model: `stage1/conv`, `stage1/conv:1`.

A layer that a model calls several times has several outputs. The first is named by the
layer's path, the others are named `path:1`, `path:2` and so on.
"""

from collections.abc import Container
from typing import NamedTuple


class CallPath(NamedTuple):
    """One call of a layer.

    Attributes:
        layer: Path of the layer in its model, as `layer_paths` returns it.
        number: Index of the call among the layer's calls, from 0.

    Example:
        >>> str(CallPath("stage1/conv", 1)), str(CallPath("stage1/conv"))
        ('stage1/conv:1', 'stage1/conv')
        >>> CallPath.parse("stage1/conv:1")
        CallPath(layer='stage1/conv', number=1)
    """

    layer: str
    number: int = 0

    def __str__(self) -> str:
        return f"{self.layer}:{self.number}" if self.number else self.layer

    @classmethod
    def parse(cls, text: str, paths: Container[str] = ()) -> "CallPath":
        """Parse the text that `str` returns.

        Args:
            text: Such as `"stage1/conv:1"`.
            paths: The paths of the model's layers. A layer whose own name ends like the
                number of a call, as in `"block:1"`, is recognised if its path is among
                them.
        """
        layer, colon, number = text.rpartition(":")
        numbered = colon and number.isdecimal() and number[0] != "0"
        if numbered and text not in paths:
            return cls(layer, int(number))
        return cls(text)

    def is_inside(self, block: "CallPath") -> bool:
        """Return whether it is inside a block or model, with the same call number."""
        inside = self.layer.startswith(f"{block.layer}/")
        return inside and self.number == block.number
