"""Replace a method of a Keras class temporarily, without undoing others' patches."""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

#: `(plain, instance, args, kwargs) -> result`, where `plain` is the method replaced.
Run: TypeAlias = Callable[
    [Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any
]


class Patch:
    """Replaces a method by `run` as long as any of its contexts is open.

    Other code may replace the same method in the meantime. Its replacement then stays
    in place; ours, which it may call, only calls the original method from then on.

    Args:
        owner: The class.
        name: Name of the method.
        run: Called instead of the method.
    """

    def __init__(self, owner: type, name: str, run: Run) -> None:
        self.owner, self.name, self.run = owner, name, run
        # Held only briefly: a replica of `tf.distribute` may wait inside its pass.
        self._lock = threading.Lock()
        self._open = 0
        self._ours: _Exchanged | None = None

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Replace the method by `run` within the context, in every thread."""
        with self._lock:
            if self._open == 0:
                self._apply()
            self._open += 1
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                if self._open == 0:
                    self._remove()

    def _apply(self) -> None:
        plain = getattr(self.owner, self.name)
        while isinstance(before := getattr(plain, "exchanged", None), _Exchanged):
            plain = before.plain  # Other code restored an old patch.
        self._ours = _Exchanged(plain, self.run)
        setattr(self.owner, self.name, self._ours.method)

    def _remove(self) -> None:
        assert self._ours is not None
        self._ours.run = None
        if getattr(self.owner, self.name) is self._ours.method:
            setattr(self.owner, self.name, self._ours.plain)
        self._ours = None


class _Exchanged:
    """A replacement of one method."""

    def __init__(self, plain: Callable[..., Any], run: Run | None) -> None:
        self.plain = plain
        self.run = run

        @functools.wraps(plain)
        def method(instance: Any, *args: Any, **kwargs: Any) -> Any:
            if self.run is None:
                return plain(instance, *args, **kwargs)
            return self.run(plain, instance, args, kwargs)

        method.exchanged = self  # type: ignore[attr-defined]
        self.method = method
