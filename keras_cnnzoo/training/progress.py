"""Show training progress: a live bar on a terminal, else one line per epoch."""

import threading
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import keras
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from keras_cnnzoo.training.rate_ahead import RateAhead

#: Seconds between two changes of the bar. A reader sees no more, and each costs a step
#: some of its time.
SHOWN_EVERY = 0.25


class ProgressBar(keras.callbacks.Callback):
    """Show how a training goes, how fast it is, and how long it will still take.

    On a terminal, these are a bar and, below it, the loss, accuracy, images per second
    and learning rate. Otherwise, each epoch ends with a line of them.

    Nothing on the device is read for it while an epoch runs: on JAX and PyTorch, Keras
    passes the loss from another thread, once the step is done.

    Args:
        console: Where to write. If it is not a terminal, or the terminal cannot move
            its cursor, one line per epoch is written.
        images: Number of images in an epoch; None shows steps per second.
    """

    #: Keras then calls `on_train_batch_end` from a thread, and no step waits for it.
    async_safe = True

    def __init__(self, console: Console, images: int | None = None) -> None:
        super().__init__()
        self.console = console
        self.images = images
        self._bar: Progress | None = None
        # Calls from Keras's threads may overtake each other.
        self._one_at_a_time = threading.Lock()

    def on_train_begin(self, logs: Any = None) -> None:
        self._epochs = self.params["epochs"]
        self._steps = self.params["steps"]
        self._best = 0.0
        self._pace = Pace()
        self._rate = RateAhead(self.model)
        # A live bar shows nothing in a file that rich takes for a terminal.
        if not (self.console.is_interactive and self.console.file.isatty()):
            return
        self._bar = _BarAboveNumbers(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]left"),
            TimeRemainingColumn(compact=True),
            console=self.console,
            expand=True,
            refresh_per_second=1 / SHOWN_EVERY,
        )
        total = self._epochs * self._steps if self._steps else None
        self._task = self._bar.add_task("", total=total, numbers="")
        self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()
        # Of a resumed epoch, only the rest is left.
        self._left = self.params["steps"]
        self._done = (epoch + 1) * (self._steps or 0) - (self._left or 0)
        self._shown = 0.0
        self._pace.begin()
        self._is_new = True
        self._show(0, description=f"epoch {epoch + 1}/{self._epochs}")

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self._is_new:
            # Not earlier, since a resumed training restores its optimizer when its
            # epoch begins, nor later, when on JAX the optimizer has no values.
            self._rate.begin()
            self._is_new = False

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        with self._one_at_a_time:
            # With several steps per call, Keras counts past the end of the epoch.
            step = min(batch + 1, self._left or batch + 1)
            now = time.perf_counter()
            self._pace.note(step, now)
            if self._bar is None:
                return
            if now - self._shown < SHOWN_EVERY and step != self._left:
                return
            self._shown = now
            parts = [_measures(logs, OWN)]
            if self._best:
                parts.append(f"best {self._best:.2%}")
            parts += [*self._speed(), f"learning rate {self._rate.after(step):.2g}"]
            self._show(step, numbers=_joined(parts))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        self._best = max(self._best, logs.get("val_accuracy", 0.0))
        if self._bar is not None:
            return
        width = len(str(self._epochs))
        validation = {
            name.removeprefix("val_"): value
            for name, value in logs.items()
            if name.startswith("val_")
        }
        self._rate.begin()
        left = (time.perf_counter() - self._began) * (self._epochs - epoch - 1)
        parts = [*self._speed(), f"learning rate {self._rate.after(0):.2g}"]
        if left:
            parts.append(f"{timedelta(seconds=round(left))} left")
        texts = [
            f"epoch {epoch + 1:{width}}/{self._epochs}",
            _measures(logs, OWN),
            f"validation {_measures(validation, SHOWN)}" if validation else "",
            _joined(parts),
        ]
        self.console.print("  ".join(text for text in texts if text))

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the bar from the terminal; safe to call again."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _show(self, step: int, **fields: Any) -> None:
        bar = self._bar
        if bar is not None:
            bar.update(self._task, completed=self._done + step, **fields)

    def _speed(self) -> list[str]:
        """Return the speed of this epoch in words, once it is known."""
        pace = self._pace.steps_per_second
        if pace is None:
            return []
        if self.images is None or not self._steps:
            return [f"{pace:,.3g} steps/s"]
        return [f"{pace * self.images / self._steps:,.0f} images/s"]


class Pace:
    """Measures the steps per second of each epoch.

    The first call of a training is left out, in which the step is compiled.
    """

    def __init__(self) -> None:
        self._compiled = False
        self.begin()

    def begin(self) -> None:
        """Begin an epoch."""
        self.steps_per_second: float | None = None
        self._since = (0, time.perf_counter())
        self._step = 0

    def note(self, step: int, now: float) -> None:
        """Note that a step of the epoch, counted from 1, has ended."""
        if step <= self._step:
            return
        self._step = step
        if not self._compiled:
            self._compiled = True
            self._since = (step, now)
            return
        steps, seconds = step - self._since[0], now - self._since[1]
        self.steps_per_second = steps / seconds if seconds > 0 else None


class _BarAboveNumbers(Progress):
    """A bar, and below it a line that is cut off where the terminal ends."""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            yield Text(task.fields["numbers"], no_wrap=True, overflow="ellipsis")


#: The measures of the training images that are shown.
OWN = ("loss", "accuracy")
#: Each measure that is shown, and how.
SHOWN = {
    "loss": "loss {:.4f}",
    "accuracy": "accuracy {:.2%}",
    "balanced_accuracy": "balanced {:.2%}",
}


def _measures(logs: Mapping[str, float], names: Iterable[str]) -> str:
    return _joined(SHOWN[name].format(logs[name]) for name in names if name in logs)


def _joined(parts: Iterable[str]) -> str:
    return " · ".join(parts)
