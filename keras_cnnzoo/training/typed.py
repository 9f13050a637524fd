"""Read plain data, as from TOML or JSON, into typed dataclasses."""

import dataclasses
import difflib
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from keras_cnnzoo.other_names import SETTINGS


def read(kind: Any, value: Any) -> Any:
    """Return plain data as a value of a type, and check every part of it.

    Args:
        kind: A dataclass, int, float, bool, str, None, or a Literal, tuple, Mapping or
            union of these.
        value: Numbers, text, lists and mappings. A part that already has its type stays
            as it is.

    Raises:
        ValueError: A part is missing, unknown, of another type or out of range. The
            message has its dotted name.

    Example:
        >>> read(tuple[float, float], [0.5, 1])
        (0.5, 1.0)
    """
    return _Reader(kind).read(kind, value, "")


class _Reader:
    """Reads one value, and knows all names in it to suggest similar ones."""

    def __init__(self, root: Any) -> None:
        self.root = root

    def read(self, kind: Any, value: Any, key: str) -> Any:
        if dataclasses.is_dataclass(kind):
            return self._dataclass(kind, value, key)
        outer, inner = get_origin(kind), get_args(kind)
        if outer in (Union, types.UnionType):
            for part in inner:
                if _looks_like(part, value):
                    return self.read(part, value, key)
        elif outer is tuple and isinstance(value, list | tuple):
            kinds = inner
            if inner[-1] is Ellipsis:
                kinds = inner[:1] * len(value)
            if len(kinds) == len(value):
                pairs = zip(kinds, value, strict=True)
                return tuple(self.read(each, part, key) for each, part in pairs)
        elif _looks_like(kind, value):
            return float(value) if kind is float else value
        raise ValueError(f"`{key}` is {_words(kind)}. Received: {value!r}")

    def _dataclass(self, kind: Any, value: Any, key: str) -> Any:
        if isinstance(value, kind):
            return value
        if not isinstance(value, Mapping):
            raise ValueError(f"`{key}` is {_words(kind)}. Received: {value!r}")
        prefix = f"{key}." if key else ""
        hints = get_type_hints(kind)
        fields = {field.name: field for field in dataclasses.fields(kind)}
        for name in value:
            if name not in fields:
                raise ValueError(unknown_name(self.root, prefix + name))
        for name, field in fields.items():
            if name not in value and _is_required(field):
                raise ValueError(f"`{prefix}{name}` is missing: {_words(hints[name])}.")
        given = {
            name: self.read(hints[name], part, prefix + name)
            for name, part in value.items()
        }
        try:
            return kind(**given)
        except ValueError as error:
            if not key or f"`{prefix}" in str(error):
                raise
            raise ValueError(f"[{key}] {error}") from error


def unknown_name(kind: Any, name: str) -> str:
    """Return the message for a dotted name that a dataclass does not have."""
    names = list(dotted_names(kind))
    home = name.rpartition(".")[0]
    if near := near_names(name, names):
        hint = f"Did you mean {' or '.join(f'`{each}`' for each in near)}?"
    else:
        inside = [each for each in names if each.rpartition(".")[0] == home]
        top = [each for each in names if "." not in each]
        hint = f"There are: {', '.join(inside or top)}."
    return f"`{name}` is unknown. {hint}"


def _looks_like(kind: Any, value: Any) -> bool:
    """Tell whether a value is meant for a type, as far as its outside shows."""
    if dataclasses.is_dataclass(kind):
        return isinstance(value, Mapping) or type(value) is kind
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is tuple:
        return isinstance(value, list | tuple)
    if get_origin(kind) is Mapping:
        return isinstance(value, Mapping)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is kind


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    return (
        field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    )


def dotted_names(kind: Any) -> Iterator[str]:
    """Yield the names of a dataclass's fields, with those inside as "outer.inner"."""
    hints = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        yield field.name
        for part in (hints[field.name], *get_args(hints[field.name])):
            if dataclasses.is_dataclass(part):
                yield from (f"{field.name}.{name}" for name in dotted_names(part))


def near_names(unknown: str, names: Iterable[str]) -> list[str]:
    """Return the dotted names that an unknown one may have been meant as.

    They are spelled alike, or other packages have the unknown one for a setting.

    Example:
        >>> near_names("learning_rate", ["optimizer.learning_rate", "epochs"])
        ['optimizer.learning_rate']
        >>> near_names("lr", [])
        ['optimizer.learning_rate']
    """
    end = unknown.rpartition(".")[2]
    if end in SETTINGS:
        return [SETTINGS[end]]
    by_end: dict[str, list[str]] = {}
    for name in names:
        by_end.setdefault(name.rpartition(".")[2], []).append(name)
    ends = close_names(end, by_end)
    near = [name for each in ends for name in by_end[each]]
    # Names in the same section come first.
    home = unknown.rpartition(".")[0]
    near.sort(key=lambda name: name.rpartition(".")[0] != home)
    return near[:3]


def close_names(unknown: str, names: Iterable[str]) -> list[str]:
    """Return the names that are spelled much like an unknown one."""
    return difflib.get_close_matches(unknown, list(names), n=3, cutoff=0.8)


def _words(kind: Any) -> str:
    """Describe a type for a message, such as "a whole number"."""
    if dataclasses.is_dataclass(kind):
        names = ", ".join(field.name for field in dataclasses.fields(kind))
        return f"a table of {names}"
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(map(_words, get_args(kind)))
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(repr, get_args(kind)))}"
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        if inner[-1] is Ellipsis:
            return f"a list, each {_words(inner[0])}"
        return f"[{', '.join(map(_words, inner))}]"
    return _WORDS.get(kind, "a table")


_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    type(None): "none",
}
