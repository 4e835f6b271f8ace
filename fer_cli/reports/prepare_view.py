"""What `fer prepare` shows of a dataset: rows per class and split, identical images, what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fer_cli.labels import SPLITS
from fer_cli.reports.terminal import Terminal

DUPLICATES_HEADER = ("rows of", "that stand also", "rows")


def show(terminal: Terminal, results: Mapping[str, Any]) -> None:
    """Print the `results` of a prepare record."""
    for line in results["passed_over"]:
        terminal.warn(line)
    for line in results["notes"]:
        terminal.log(line)
    _show_table(terminal, results["table"])
    _show_duplicates(terminal, results["duplicates"])
    for reason, rows in results["dropped"].items():
        terminal.log(f"left out because of {reason}: {rows:,}")


def _show_table(terminal: Terminal, table: Mapping[str, Mapping[str, int]]) -> None:
    rows: list[list[Any]] = [
        [name, *(counts[s] for s in SPLITS), sum(counts.values())] for name, counts in table.items()
    ]
    totals = [sum(row[column] for row in rows) for column in range(1, len(SPLITS) + 2)]
    terminal.table("images", ["class", *SPLITS, "all"], [*rows, ["all", *totals]])


def duplicate_rows(duplicates: Mapping[str, Any]) -> list[list[Any]]:
    """Split, where its images stand also, and how many rows: what there is of identical images in a prepare record."""
    rows = [[split, f"earlier in {split}", count] for split, count in duplicates["repeated"].items()]
    for split, others in duplicates["shared"].items():
        rows += [[split, f"in {other}", count] for other, count in others.items()]
    return [row for row in rows if row[2]]


def _show_duplicates(terminal: Terminal, duplicates: Mapping[str, Any]) -> None:
    found = duplicate_rows(duplicates)
    if not found:
        terminal.log("no two images are identical")
        return
    terminal.table("images with identical pixels", DUPLICATES_HEADER, found)
    terminal.log(
        f"{duplicates['images']:,} images stand more than once, "
        f"{duplicates['conflicting']:,} of them with different labels"
    )
