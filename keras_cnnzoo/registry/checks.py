"""Check the families of plugins, and those that users register."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_cnnzoo.cards import Family, Paper, Preprocessing, Task, Variant

#: The types of a family's fields.
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "paper": Paper,
    "input_shape": tuple,
    "variants": Mapping,
    "classes": int,
    "preprocessing": Preprocessing,
    "task": Task,
    "source": (str, type(None)),
    "license": (str, type(None)),
    "name_maps": Mapping,
    "sketch": Mapping,
}


def fault_of(family: Any) -> str | None:
    """Say in one sentence why an object is not a valid family; None if it is one."""
    if not isinstance(family, Family):
        return f"Expected a keras_cnnzoo.cards.Family. Received: {family!r}"
    for field, kind in _FIELDS.items():
        value = getattr(family, field)
        if not isinstance(value, kind):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            expected = " or ".join(each.__name__ for each in kinds)
            return (
                f"`{field}` of family {family.name!r} is of type {expected}. "
                f"Received: {value!r}"
            )
    for field in ("body", "head"):
        if not callable(getattr(family, field)):
            return (
                f"`{field}` of family {family.name!r} is a function. "
                f"Received: {getattr(family, field)!r}"
            )
    for name, variant in family.variants.items():
        if not (isinstance(name, str) and isinstance(variant, Variant)):
            return (
                f"`variants` of family {family.name!r} are of type Variant, by name. "
                f"Received: {name!r}: {variant!r}"
            )
        config = variant.config
        if isinstance(config, type) or not dataclasses.is_dataclass(config):
            return (
                f"`config` of variant {name!r} is an instance of a dataclass, whose "
                f"fields are the model's options. Received: {config!r}"
            )
    return None
