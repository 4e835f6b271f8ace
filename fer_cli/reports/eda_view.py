"""What `fer eda` shows of a dataset in tables, on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fer_cli.reports.terminal import Terminal

#: Title, header and rows.
Shown = tuple[str, Sequence[str], list[list[Any]]]


def show(terminal: Terminal, results: Mapping[str, Any]) -> None:
    """Print the `results` of an eda record."""
    for title, header, rows in overview(results):
        terminal.table(title, header, rows)
    for note in results["notes"]:
        terminal.log(note)
    split = results["split"]
    terminal.log(
        f"of {results['pixels']:,} components, {results['components_90']:,} hold 90 % of the variance of {split}, "
        f"{results['components_95']:,} hold 95 %"
    )


def overview(results: Mapping[str, Any]) -> list[Shown]:
    """The tables for the terminal: classes, and persons where they are known."""
    found = [_classes(results)]
    if results["subjects"]:
        header = ("split", "subjects", "images", "fewest of one", "median", "most", "also in another split")
        found.append(("Subjects", header, _cells(results["subjects"])))
    return found


def tables(results: Mapping[str, Any]) -> list[Shown]:
    """All tables, for the page."""
    numbers = [
        ["images", results["n"]],
        ["components in all", results["pixels"]],
        ["components for 90 % of the variance", results["components_90"]],
        ["components for 95 % of the variance", results["components_95"]],
    ]
    parts = [
        *overview(results),
        (f"Principal components of {results['split']}", ("measure", "number"), numbers),
        _light(results),
    ]
    for title, key in {"Attributes": "attributes", "Attributes that are numbers": "numbers"}.items():
        if results[key]:
            parts.append(_table(title, results[key]))
    return parts


def _classes(results: Mapping[str, Any]) -> Shown:
    title, header, rows = _table("Images by class and split", results["distribution"])
    return title, header, [*rows, ["all", *(sum(column) for column in list(zip(*rows, strict=True))[1:])]]


def _light(results: Mapping[str, Any]) -> Shown:
    header = ("class", "images", "brightness", "± sd", "contrast", "± sd")
    keys = ("brightness_mean", "brightness_sd", "contrast_mean", "contrast_sd")
    rows = [[row["class"], row["images"], *(f"{row[key]:.1f}" for key in keys)] for row in results["per_class"]]
    return f"Brightness and contrast of {results['split']}, grey levels", header, rows


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Shown:
    return title, list(rows[0]), _cells(rows)


def _cells(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Values row by row; measured ones with four digits, since an attribute may be of any magnitude."""
    return [[f"{value:.4g}" if isinstance(value, float) else value for value in row.values()] for row in rows]
