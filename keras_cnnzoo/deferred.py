"""Call a function once a module is imported, now or later."""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeAlias

#: A function that makes a context.
Within: TypeAlias = Callable[[], AbstractContextManager[None]]


def when_imported(
    name: str, do: Callable[[], Any], *, within: Within = nullcontext
) -> None:
    """Call a function as soon as a module is imported, without importing it.

    Args:
        name: Name of a top-level module, such as "keras".
        do: Called once, immediately if the module is imported already. Its exceptions
            are raised by the import.
        within: Makes the context in which the module is imported.
    """
    if name in sys.modules:
        do()
    else:
        sys.meta_path.insert(0, _Watch(name, do, within))


class _Watch(MetaPathFinder):
    """Waits for the import of one module, then removes itself."""

    def __init__(self, name: str, do: Callable[[], Any], within: Within) -> None:
        self.name = name
        self.do = do
        self.within = within
        self.looking = False

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname != self.name or self.looking:
            return None
        self.looking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.looking = False
        if spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module  # restores the class's own method
            with self.within():
                execute(module)
            sys.meta_path.remove(self)
            self.do()

        loader.exec_module = exec_module
        return spec
