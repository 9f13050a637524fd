"""One input of one operation, as the rules of receptive fields read it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from keras_cnnzoo.inspect.field.windows import Link, Links
from keras_cnnzoo.inspect.trace.calls import OpCall

Shape: TypeAlias = Sequence[int | None]


class Edge(NamedTuple):
    """The way from one input of an operation's call to one of its outputs.

    Attributes:
        call: The call.
        given: The input's number among the tensors that come from the image.
        output: The output's number.
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
        """What it was given by position, constants and weights included."""
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
        """The input's number among the positional arguments; None if it is in none."""
        tensor = self.call.tensors[self.given]
        return next((i for i, x in enumerate(self.args) if x is tensor), None)


#: How an operation's output depends on one of its inputs.
Rule: TypeAlias = Callable[[Edge], Links]


def everything(edge: Edge) -> Links:
    """Have each number of the output see all of the input."""
    return []


def same_dims(dims: Iterable[int]) -> list[Link]:
    """Link dimensions that stay where they are."""
    return [Link(dim, dim) for dim in dims]


def reordered(order: Sequence[int]) -> list[Link]:
    """Link dimensions of the input in the order in which the output has them."""
    return [Link(source, target) for target, source in enumerate(order)]


def positive(axis: int | Sequence[int], rank: int) -> list[int]:
    """Return axes, negative ones counted from the end, as numbers from 0."""
    axes = (axis,) if isinstance(axis, int) else axis
    return [a % rank for a in axes]


def one_of(value: int | Sequence[int], axis: int) -> int:
    """Return the number for one axis, of one for all axes or one for each."""
    return value if isinstance(value, int) else value[axis]
