"""Show training progress: a live bar on a terminal, else one line per epoch."""

from collections.abc import Mapping
from typing import Any

import keras
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class ProgressBar(keras.callbacks.Callback):
    """Show the epoch, loss, accuracy and remaining time of the whole training.

    Args:
        console: Where to write. If it is not a terminal, or the terminal cannot move
            its cursor, one line per epoch is written.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self._bar: Progress | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        self._epochs = self.params["epochs"]
        self._steps = self.params["steps"]
        self._best = 0.0
        # A live bar shows nothing in a file that rich takes for a terminal.
        if not (self.console.is_interactive and self.console.file.isatty()):
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeElapsedColumn(),
            TextColumn("[dim]left"),
            TimeRemainingColumn(compact=True),
            console=self.console,
            expand=True,
        )
        total = self._epochs * self._steps
        self._task = self._bar.add_task("", total=total, numbers="")
        self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._done = epoch * self._steps
        self._show(0, description=f"epoch {epoch + 1}/{self._epochs}")

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        # With several steps per call, Keras counts past the end of the epoch.
        step = min(batch + 1, self._steps)
        own = {name: logs[name] for name in ("loss", "accuracy")}
        numbers = f"step {step}/{self._steps} · {_numbers(own)}"
        if self._best:
            numbers += f" · best [bold]{self._best:.2%}"
        self._show(step, numbers=numbers)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        self._best = max(self._best, logs["val_accuracy"])
        if self._bar is None:
            width = len(str(self._epochs))
            own = {name: logs[name] for name in ("loss", "accuracy")}
            validation = {
                name.removeprefix("val_"): value
                for name, value in logs.items()
                if name.startswith("val_")
            }
            self.console.print(
                f"epoch {epoch + 1:{width}}/{self._epochs}  {_numbers(own)}  "
                f"validation {_numbers(validation)}"
            )

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the bar from the terminal; safe to call again."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _show(self, step: int, **fields: Any) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done + step, **fields)


def _numbers(logs: Mapping[str, float]) -> str:
    text = f"loss {logs['loss']:.4f} · accuracy {logs['accuracy']:.2%}"
    if "balanced_accuracy" in logs:
        text += f" · balanced {logs['balanced_accuracy']:.2%}"
    return text
