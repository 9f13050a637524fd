"""The name of one call of a layer inside a model: `stage1/conv`, `stage1/conv:1`.

A layer that a model calls several times gives several outputs. The first goes by the
layer's path alone, the further ones by `path:1`, `path:2` and so on.
"""

from collections.abc import Container
from typing import NamedTuple


class CallPath(NamedTuple):
    """Which call of which layer.

    Attributes:
        layer: Path of the layer in its model, as `layer_paths` gives it.
        number: Which of the layer's calls it is, from 0.

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
        """Read what `str` writes.

        Args:
            text: Such as `"stage1/conv:1"`.
            paths: The layers that there are. A layer whose own name ends like a number
                of a call, as in `"block:1"`, is recognised by it.
        """
        layer, colon, number = text.rpartition(":")
        numbered = colon and number.isdecimal() and number[0] != "0"
        if numbered and text not in paths:
            return cls(layer, int(number))
        return cls(text)

    def is_inside(self, block: "CallPath") -> bool:
        """Tell whether it lies inside a block or model, at the same call of both."""
        inside = self.layer.startswith(f"{block.layer}/")
        return inside and self.number == block.number
