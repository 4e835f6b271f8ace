"""What the user sees while a command works: tables, log lines and progress; and the JSON object at the end."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from fer_cli import files
from fer_cli.errors import visible

Advance = Callable[[int], None]

#: Seconds between two plain progress lines where there is no terminal to draw a bar on.
_PLAIN_INTERVAL = 10.0


class Terminal:
    """Tables on stdout, everything else on stderr; with `as_json` stdout carries one JSON object and nothing more."""

    def __init__(self, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet
        self.log_console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._table_console = self.log_console if as_json else Console(highlight=False, width=_table_width())

    def log(self, text: str) -> None:
        """One line about the work."""
        if not self.quiet:
            self.log_console.print(visible(text), markup=False, emoji=False)

    def warn(self, text: str) -> None:
        """One line that matters even with -q."""
        self.log_console.print(f"warning: {visible(text)}", style="yellow", markup=False, emoji=False)

    def table(self, title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table; a first column of text, and any of words, is aligned left, all others right.

        One that is too wide for the terminal is turned over where that makes it narrower: a column a row.
        """
        if self.quiet:
            return
        console = self._table_console
        table = _table(title, header, rows)
        if _width(console, table) > console.width:
            turned = _table(
                title, [header[0], *(_cell(row[0]) for row in rows)], list(zip(header, *rows, strict=True))[1:]
            )
            table = min(table, turned, key=lambda candidate: _width(console, candidate))
        console.print(table)

    def finish(self, record: Mapping[str, Any]) -> None:
        """Print the record when --json was given."""
        if self.as_json:
            sys.stdout.write(files.to_json(record) + "\n")

    @contextlib.contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Advance]:
        """A function to call with the number of steps just done: a bar on a terminal, a line now and then elsewhere."""
        if self.quiet:
            yield lambda _: None
        elif self.log_console.is_terminal:
            columns = (
                TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
                TimeElapsedColumn(), TimeRemainingColumn(),
            )  # fmt: skip
            with Progress(*columns, console=self.log_console, transient=True) as bar:
                task = bar.add_task(what, total=total)
                yield lambda steps: bar.advance(task, steps)
        else:
            yield self._plain_progress(what, total)

    def _plain_progress(self, what: str, total: int | None) -> Advance:
        done, last = 0, time.monotonic()

        def advance(steps: int) -> None:
            nonlocal done, last
            done += steps
            if time.monotonic() - last >= _PLAIN_INTERVAL:
                last = time.monotonic()
                self.log(f"{what}: {done}" + (f" of {total}" if total else ""))

        return advance


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    table = Table(title=Text(visible(title)), title_justify="left", title_style="bold")
    for column, name in enumerate(header):
        texts = [row[column] for row in rows if isinstance(row[column], str)]
        is_text = len(texts) == len(rows) and (column == 0 or all(text[:1].isalpha() for text in texts))
        table.add_column(Text(visible(name)), justify="left" if is_text else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(_cell(value))) for value in row))
    return table


def _width(console: Console, table: Table) -> int:
    """Columns of the terminal that a table needs to fold nothing."""
    return Measurement.get(console, console.options.update(max_width=10_000), table).maximum


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def _table_width() -> int | None:
    # Piped output has no width of its own; rich would then fold tables at 80 columns.
    return None if sys.stdout.isatty() else 160
