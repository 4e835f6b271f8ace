"""What `fer prepare` shows of a dataset: rows per class and split, identical images, what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fer_cli.labels import SPLITS
from fer_cli.reports.terminal import Terminal
from fer_cli.store.reader import open_dataset

DUPLICATES_HEADER = ("rows of", "that stand also", "rows")


def show(terminal: Terminal, results: Mapping[str, Any]) -> None:
    """Print the `results` of a prepare record."""
    for line in results["passed_over"]:
        terminal.warn(line)
    for line in results["notes"]:
        terminal.log(line)
    for line in results["split"]["leaks"]:
        terminal.warn(f"scores on these splits may be too good: {line}")
    _show_table(terminal, results["table"])
    _show_duplicates(terminal, results)
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


def near_sheet(results: Mapping[str, Any], dataset_path: Path) -> Path | None:
    """Draw the pairs of near images that a prepare record names beside the dataset file; None where there are none.

    A pair is two faces side by side, each with its class, split and row; below the first is their distance in bits.
    """
    examples = results["near_duplicates"]["examples"]
    if not examples:
        return None
    from fer_cli.reports.figures import face_sheet

    path = dataset_path.with_suffix(".near.png")
    rows = [row for example in examples for row in example["rows"]]
    bits = [text for example in examples for text in (f"{example['distance']} bits", "")]
    with open_dataset(dataset_path, budget=0) as dataset:
        labels, splits = dataset.labels(None), dataset.splits()
        captions = [
            f"{dataset.class_names[labels[row]]}, {SPLITS[splits[row]]}\n{row} {text}"
            for row, text in zip(rows, bits, strict=True)
        ]
        face_sheet(dataset.images(None).take(rows), captions, path)
    return path


def _show_duplicates(terminal: Terminal, results: Mapping[str, Any]) -> None:
    identical, near = results["duplicates"], results["near_duplicates"]
    found = {tuple(row[:2]): row[2] for row in duplicate_rows(identical)}
    rows = [[*row[:2], found.get(tuple(row[:2]), 0), row[2]] for row in duplicate_rows(near)]
    if not rows:
        terminal.log("no two images are identical or near")
        return
    terminal.table("images that stand more than once", ("rows of", "that stand also", "identical", "near"), rows)
    terminal.log(
        f"{identical['images']:,} images stand more than once, {identical['conflicting']:,} of them with different "
        f"labels; with those that differ in at most {near['distance']} of 64 bits of their perceptual hash it is "
        f"{near['images']:,}, {near['conflicting']:,} of them with different labels"
    )
