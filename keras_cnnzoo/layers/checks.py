"""Checks of arguments that several layers share."""

from typing import Any


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Return `value` if it is one of `choices`.

    Raises:
        ValueError: It is not.
    """
    if value not in choices:
        expected = " or ".join(map(repr, choices))
        raise ValueError(f"`{name}` is {expected}. Received: {value!r}")
    return str(value)


def check_order(p: Any) -> float:
    """Return the order of a norm as a float.

    Raises:
        ValueError: It is not a number of at least 1.
    """
    if not (isinstance(p, int | float) and p >= 1):
        raise ValueError(
            f"`p` is a number of at least 1, or the result is no norm. Received: {p!r}"
        )
    return float(p)
