"""What `fer export` shows in tables, on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_cli.reports.terminal import Terminal

#: Title, header and rows.
Shown = tuple[str, Sequence[str], list[list[Any]]]


def show(terminal: Terminal, results: Mapping[str, Any]) -> None:
    """Print the `results` of an export record."""
    for title, header, rows in shown(results):
        terminal.table(title, header, rows)
    if results["temperature"]:
        terminal.log(f"calibrated on {results['split']}: temperature {results['temperature']:.3f}")


def shown(results: Mapping[str, Any]) -> list[Shown]:
    """Size, speed and answers of both forms, side by side."""
    found, size, time = results["parity"], results["bytes"], results["milliseconds_a_face"]
    title = f"{Path(results['file']).name}, {results['precision']}: {results['split']}, n = {found['n']:,}"
    rows = [
        ["kB", round(size["model"] / 1000), round(size["exported"] / 1000)],
        ["ms a face (median)", round(time["keras"], 3), round(time["exported"], 3)],
        ["accuracy", *found["accuracy"]],
        ["largest difference of a probability", None, f"{found['largest_difference']:.2g}"],
        ["same class", None, f"{found['same_class']:,} of {found['n']:,}"],
    ]
    return [(title, ("", "MODEL", "exported"), rows)]
