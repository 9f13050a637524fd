"""What a search for a recipe may change: ranges of numbers, and choices."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras_cnnzoo.training.recipe import Recipe

#: A range whose end is this many times its beginning is searched by its logarithm.
WIDE = 10
#: The weight decay to search if the recipe has none, for decoupled decay.
DECAY = (1e-5, 1e-1)


@dataclass(frozen=True)
class Range:
    """Numbers from one to another, both included.

    Attributes:
        low: The lowest.
        high: The highest.
    """

    low: float
    high: float

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are taken."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def is_wide(self) -> bool:
        """Whether the logarithm is searched."""
        return self.low > 0 and self.high >= WIDE * self.low

    @property
    def ends(self) -> tuple[Any, ...]:
        return self.low, self.high

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"


@dataclass(frozen=True)
class Choice:
    """A few values.

    Attributes:
        values: The values: numbers, texts, true, false or None.
    """

    values: tuple[Any, ...]

    @property
    def ends(self) -> tuple[Any, ...]:
        return self.values

    def __str__(self) -> str:
        return ",".join(map(json.dumps, self.values))


def read_space(search: Mapping[str, str | Sequence[Any]]) -> dict[str, Range | Choice]:
    """Read what to search.

    Args:
        search: By dotted name, a range such as "1e-4..1e-1", values such as
            "true,false", or a list of values.

    Raises:
        ValueError: A text is no range and no choice.

    Example:
        >>> read_space({"optimizer.learning_rate": "1e-4..0.1", "augment.flip": [True]})
        {'optimizer.learning_rate': Range(low=0.0001, high=0.1), \
'augment.flip': Choice(values=(True,))}
    """
    return {name: _part(name, text) for name, text in search.items()}


def _part(name: str, text: str | Sequence[Any]) -> Range | Choice:
    if not isinstance(text, str):
        return Choice(tuple(text))
    low, dots, high = text.partition("..")
    if not dots:
        return Choice(tuple(_value(part) for part in text.split(",")))
    ends = _value(low), _value(high)
    numbers = [type(end) in (int, float) for end in ends]
    if not all(numbers) or not ends[0] < ends[1]:
        raise ValueError(
            f"`{name}` is searched in a range such as 1e-4..1e-1, or among values such "
            f"as true,false. Received: {text!r}"
        )
    return Range(*ends)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def default_space(recipe: Recipe) -> dict[str, Range | Choice]:
    """Return what is searched anyway: learning rate and weight decay.

    They are searched around the recipe's.
    """
    rate, decay = recipe.optimizer.learning_rate, recipe.optimizer.weight_decay
    low, high = (decay / 30, decay * 10) if decay else DECAY
    return {
        "optimizer.learning_rate": Range(rate / 30, rate * 10),
        "optimizer.weight_decay": Range(low, high),
    }
