"""What `fer train` shows while it works: a bar for the epoch on a terminal, and a line for each epoch that is done."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from fer_cli.reports.terminal import Terminal

if TYPE_CHECKING:
    from fer_cli.training.callbacks import Status


_SHOWN = ("loss", "accuracy", "top3", "robust", "hit", "guided", "cycle")


@contextlib.contextmanager
def training_view(terminal: Terminal) -> Iterator[Callable[[Status], None]]:
    """An observer for `fer_cli.training.fit.train`."""
    if terminal.quiet:
        yield lambda _: None
    elif terminal.log_console.is_terminal:
        with _bar(terminal) as bar:
            yield _View(terminal, bar).show
    else:
        yield _View(terminal, None).show


class _View:
    def __init__(self, terminal: Terminal, bar: Progress | None) -> None:
        self._terminal, self._bar = terminal, bar
        self._task: TaskID | None = None
        self._started = time.monotonic()
        self._first_step: int | None = None
        self._teacher = False

    def show(self, status: Status) -> None:
        """Draw the step; print the epoch when it is done."""
        done = (status.epoch - 1) * status.steps + status.step
        if status.teacher != self._teacher:
            self._started, self._first_step, self._teacher = time.monotonic(), None, status.teacher
        if self._first_step is None:
            self._first_step = done - 1
        if status.epoch_done:
            line = epoch_line(status.epoch, status.epochs, status.metrics, self._time_left(done, status))
            self._terminal.log("teacher, " * status.teacher + line)
        if self._bar is None:
            return
        if self._task is None:
            self._task = self._bar.add_task("", total=status.steps, figures="", rate="")
        self._bar.update(
            self._task,
            completed=status.step,
            description=f"epoch {status.epoch}/{status.epochs}",
            figures=_figures(status.metrics, _SHOWN),
            rate=_rate(status.metrics) + f", {self._time_left(done, status)} left",
        )

    def _time_left(self, done: int, status: Status) -> str:
        """Minutes and seconds until the last epoch, at the pace of this process so far."""
        worked = max(1, done - (self._first_step or 0))
        left = status.epochs * status.steps - done
        minutes, seconds = divmod(round((time.monotonic() - self._started) / worked * left), 60)
        return f"{minutes}:{seconds:02d}"


def epoch_line(epoch: int, epochs: int, row: Mapping[str, float], time_left: str) -> str:
    """One epoch in one line."""
    line = f"epoch {epoch:3d}/{epochs}  {_figures(row, _SHOWN)}"
    val = {name.removeprefix("val_"): value for name, value in row.items() if name.startswith("val_")}
    if val:
        line += f"  val {_figures(val, _SHOWN)}"
    return f"{line}  {_rate(row)}, {time_left} left"


def _figures(metrics: Mapping[str, float], names: tuple[str, ...]) -> str:
    return "  ".join(f"{name} {metrics[name]:.3f}" for name in names if name in metrics)


def _rate(metrics: Mapping[str, float]) -> str:
    return f"lr {metrics.get('lr', 0):.2g}  {metrics.get('images_per_second', 0):,.0f} images/s"


def _bar(terminal: Terminal) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[figures]}"),
        TextColumn("{task.fields[rate]}"),
        console=terminal.log_console,
        transient=True,
    )
