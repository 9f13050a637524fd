"""One input and one output of an operation, as the receptive-field rules take them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from keras_cnnzoo.inspect.field.windows import Link, Links
from keras_cnnzoo.inspect.trace.calls import OpCall

Shape: TypeAlias = Sequence[int | None]


class Edge(NamedTuple):
    """A pair of one input and one output of an operation's call.

    Attributes:
        call: The call.
        given: Index of the input in `call.tensors`, which depend on the image.
        output: Index of the output in `call.outputs`.
    """

    call: OpCall
    given: int
    output: int

    @property
    def op(self) -> Any:
        """The operation."""
        return self.call.op

    @property
    def args(self) -> tuple[Any, ...]:
        """The call's positional arguments, including constants and weights."""
        return self.call.args

    @property
    def shape(self) -> Shape:
        """Shape of the input."""
        return tuple(self.call.tensors[self.given].shape)

    @property
    def out(self) -> Shape:
        """Shape of the output."""
        return tuple(self.call.outputs[self.output].shape)

    @property
    def position(self) -> int | None:
        """Index of the input among the positional arguments; None if it is not one."""
        tensor = self.call.tensors[self.given]
        return next((i for i, x in enumerate(self.args) if x is tensor), None)


#: How an operation's output depends on one of its inputs.
Rule: TypeAlias = Callable[[Edge], Links]


def everything(edge: Edge) -> Links:
    """Let each output value depend on the whole input: no dimension is linked."""
    return []


def same_dims(dims: Iterable[int]) -> list[Link]:
    """Link dimensions that are the same in input and output."""
    return [Link(dim, dim) for dim in dims]


def reordered(order: Sequence[int]) -> list[Link]:
    """Link transposed dimensions; `order` lists the input's in the output's order."""
    return [Link(source, target) for target, source in enumerate(order)]


def positive(axis: int | Sequence[int], rank: int) -> list[int]:
    """Return axes as indices from 0; negative ones count from the end."""
    axes = (axis,) if isinstance(axis, int) else axis
    return [a % rank for a in axes]


def one_of(value: int | Sequence[int], axis: int) -> int:
    """Return the value for one axis, from one value for all axes or one per axis."""
    return value if isinstance(value, int) else value[axis]
