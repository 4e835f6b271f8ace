"""What `fer tune` shows while it works: a bar on a terminal, and a line for each trial that has ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fer_cli.reports.terminal import Terminal

if TYPE_CHECKING:
    from fer_cli.training.callbacks import Status
    from fer_cli.tuning.outcome import Row
    from fer_cli.tuning.plan import Measure

#: Seconds without a line after which an epoch is told where there is no bar.
_SILENCE = 10.0


@contextlib.contextmanager
def tune_view(terminal: Terminal, trials: int, measure: Measure) -> Iterator[TuneView]:
    """What is told of a search for so many trials, compared by this measure."""
    if terminal.quiet or not terminal.log_console.is_terminal:
        yield TuneView(terminal, trials, measure, None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal.log_console, transient=True) as bar:
        yield TuneView(terminal, trials, measure, bar)


class TuneView:
    """Tells of trials that end, and of the epochs of those that run in this process."""

    def __init__(self, terminal: Terminal, trials: int, measure: Measure, bar: Progress | None) -> None:
        self._terminal, self._trials, self._measure, self._bar = terminal, trials, measure, bar
        self._task = bar.add_task("trials", total=trials) if bar is not None else None
        self._done, self._best = 0, 0.0
        self._last_line = time.monotonic()

    def epoch(self, number: int, status: Status) -> None:
        """A step of trial `number`; only those that end an epoch are told."""
        if not status.epoch_done:
            return
        accuracy = status.metrics.get(f"val_{self._measure.column}", float("nan"))
        text = f"trial {number}: epoch {status.epoch}/{status.epochs}, {self._measure.title} {accuracy:.4f}"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=text)
        elif time.monotonic() - self._last_line > _SILENCE:
            self._log(text)

    def ended(self, row: Row) -> None:
        """A line for a trial that has ended, of this process or of another."""
        self._done += row.state != "failed"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done, description="trials")
        if row.state == "failed":
            self._log(f"trial {row.number} failed: {row.reason}  [{parameters(row.drawn)}]")
            return
        accuracy = row.accuracy or 0.0
        better = row.state == "complete" and accuracy > self._best
        self._best = accuracy if better else self._best
        epochs = f"{row.epochs} epoch{'s' if row.epochs != 1 else ''}"
        self._log(
            f"trial {row.number} {row.state}: {self._measure.title} {accuracy:.4f}{' (best)' if better else ''}, "
            f"{epochs}, {row.seconds:,.0f} s  [{parameters(row.drawn)}]  {self._done} of {self._trials}"
            + (f"; {row.reason}" if row.reason else "")
        )

    def _log(self, text: str) -> None:
        self._last_line = time.monotonic()
        self._terminal.log(text)


def parameters(drawn: Mapping[str, Any]) -> str:
    """Drawn parameters in one line, numbers to three digits."""
    return "  ".join(f"{name} {_figure(value)}" for name, value in drawn.items())


def show(terminal: Terminal, results: Mapping[str, Any], rows: Sequence[Row], best: int = 5) -> None:
    """Tables of the best trials and of the importances."""
    complete = sorted((row for row in rows if row.state == "complete"), key=lambda row: -(row.accuracy or 0.0))[:best]
    header = ("trial", results["measure"], "best epoch", *complete[0].drawn)
    lines = [(str(r.number), r.accuracy, r.best_epoch, *(_figure(v) for v in r.drawn.values())) for r in complete]
    counts = ", ".join(f"{number} {state}" for state, number in results["trials"].items())
    terminal.table(f"best of {counts}", header, lines)
    if results["importance"]:
        n = results["trials"]["complete"]
        terminal.table(f"importance (fANOVA, n = {n})", ("parameter", "part"), list(results["importance"].items()))
    terminal.log(f"the best accuracy is biased upwards: {results['selection']}")


def _figure(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
