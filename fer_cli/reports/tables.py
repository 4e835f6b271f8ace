"""Rows of tables: as CSV files, and for the terminal and the page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_cli import files

#: What the keys of results are called in tables.
SCORES = {
    "accuracy": "accuracy",
    "top3": "top-3 accuracy",
    "macro_f1": "macro F1",
    "balanced_accuracy": "balanced accuracy",
    "ece": "ECE (calibration error)",
    "nll": "negative log-likelihood",
}
#: Keys and headings of a comparison's columns, and those that are named once where all rows share them.
_COMPARED = {
    "model": "model",
    "dataset": "dataset",
    "split": "split",
    "n": "n",
    "protocol": "protocol",
    "accuracy": "accuracy",
    "accuracy_interval": "95 % interval",
    "without_duplicates": "not seen in train",
    "top3": "top-3",
    "macro_f1": "macro F1",
    "balanced_accuracy": "balanced",
    "ece": "ECE",
    "parameters": "parameters",
    "train_rows": "train rows",
    "seconds": "training s",
}
#: What `fer compare --against` can draw accuracy against: keys of the rows and labels of the axis.
AGAINST = {
    "parameters": "parameters of the network",
    "train_rows": "train rows",
    "seconds": "seconds of training",
}
_CONDITIONS = ("dataset", "split", "n", "protocol")
_PUBLISHED = ("model", "accuracy", "macro_f1", "n", "dataset", "split", "protocol", "source")
_LONG_TEXTS = ("published protocol", "source")
_PAIRED = ("n", "difference", "difference_interval", "gained", "lost", "p_value")


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows, at least one; what a row lacks, or has as None, becomes an empty cell."""
    text = io.StringIO()
    names = dict.fromkeys(name for row in sorted(rows, key=len, reverse=True) for name in row)
    writer = csv.DictWriter(text, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_text(path, text.getvalue())


def interval_text(interval: Sequence[float] | None) -> str:
    """An interval as "0.6012 to 0.6334", or a dash."""
    return "–" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}"


def score_rows(results: Mapping[str, Any]) -> list[list[Any]]:
    """Name, value and interval of each score of an evaluation, and of the accuracy without duplicates."""
    rows = [[text, results[key], interval_text(results.get(f"{key}_interval"))] for key, text in SCORES.items()]
    clean = results["without_train_duplicates"]
    if "accuracy" in clean:
        text = f"accuracy without the {clean['removed']:,} rows seen in train (n = {clean['n']:,})"
        rows.insert(1, [text, clean["accuracy"], interval_text(clean["accuracy_interval"])])
    else:
        rows.insert(1, [f"accuracy without rows seen in train: {clean['reason']}", None, interval_text(None)])
    return rows


def member_rows(members: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Model, weight, accuracy and macro F1 of each member of an ensemble."""
    return [[m["path"], m["weight"], m["scores"]["accuracy"], m["scores"]["macro_f1"]] for m in members]


def comparison_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[str], list[list[Any]]]:
    """What all rows share in one line, then heading and cells; a column that no row fills is left out."""
    title, differing = _conditions(rows)
    wanted = [key for key in _COMPARED if key not in _CONDITIONS or key in differing]
    keys = [key for key in wanted if any(row[key] is not None for row in rows)]
    return title, [_COMPARED[key] for key in keys], [[_compared(key, row[key]) for key in keys] for row in rows]


def comparison_names(rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """What all rows share in one line, then what tells each row from the others: its model, and a second line."""
    title, differing = _conditions(rows)
    names = []
    for row in rows:
        second = ", ".join(_condition(key, row) for key in differing)
        names.append(f"{row['model']}\n{second}" if second else str(row["model"]))
    return title, names


def _conditions(rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """The conditions that all rows share, in one line, and the names of those that differ."""
    differing = [key for key in _CONDITIONS if len({row[key] for row in rows}) > 1]
    return ", ".join(_condition(key, rows[0]) for key in _CONDITIONS if key not in differing), differing


def _condition(key: str, row: Mapping[str, Any]) -> str:
    return f"n = {row[key]:,}" if key == "n" else str(row[key])


def _compared(key: str, value: Any) -> Any:
    if key == "accuracy_interval":
        return interval_text(value)
    return round(value) if key == "seconds" and value is not None else value


def paired_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Heading and cells of each result against the first, of those that could be compared."""
    header = ["model", "protocol", "n", "difference", "95 % interval", "gained", "lost", "McNemar p"]
    cells = []
    for row in rows:
        if pair := row["against_first"]:
            low, high = pair["difference_interval"]
            differences = [f"{pair['difference']:+.4f}", f"{low:+.4f} to {high:+.4f}"]
            ends = [pair["gained"], pair["lost"], f"{pair['p_value']:.3g}"]
            cells.append([row["model"], row["protocol"], pair["n"], *differences, *ends])
    return header, cells


def published_rows(entries: Sequence[Mapping[str, Any]], narrow: bool = False) -> tuple[list[str], list[list[Any]]]:
    """Heading and cells of published figures, each with ours beside it; other columns that nobody fills are left out.

    entries: of `Beside.as_dict`. narrow: without the long texts of protocol and source, which a terminal would fold.
    """
    table = [_beside(entry) for entry in entries]
    left_out = _LONG_TEXTS if narrow else ()
    filled = {key for row in table for key, value in row.items() if value is not None}
    keys = [key for key in table[0] if key == "ours" or key in filled.difference(left_out)]
    return keys, [[row[key] for key in keys] for row in table]


def _beside(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Heading -> cell."""
    theirs, interval, difference = entry["published"], entry["accuracy_interval"], entry["difference"]
    return {
        "name": theirs["name"],
        "published model": theirs["model"],
        "split": entry["split"],
        "published": theirs["accuracy"],
        "ours": entry["accuracy"],
        "95 % interval": None if interval is None else interval_text(interval),
        "difference": None if difference is None else f"{difference:+.4f}",
        "published F1": theirs["macro_f1"],
        "our F1": entry["macro_f1"] if theirs["macro_f1"] is not None else None,
        "runs": entry["runs"] if entry["runs"] > 1 else None,
        "ours on": _conditions_text(entry["dataset"], entry["n"]),
        "published on": _conditions_text(theirs["dataset"], theirs["n"]),
        "published protocol": theirs["protocol"],
        "source": theirs["source"],
    }


def _conditions_text(dataset: str | None, n: int | None) -> str | None:
    return ", ".join(part for part in (dataset, n and f"n = {n:,}") if part) or None


def comparison_csv(
    rows: Sequence[Mapping[str, Any]], published: Sequence[Mapping[str, Any] | None] = ()
) -> list[dict[str, Any]]:
    """The rows on one level, with the same keys in each: an interval becomes two columns, ..._low and ..._high.

    published: the figure beside each row, in columns published_..., or nothing for a table without such columns.
    """
    flat = []
    for number, row in enumerate(rows):
        pair = row["against_first"] or {}
        parts = [columns(key, row[key]) for key in ("result", "name", *_COMPARED)]
        parts += [columns(f"against_first_{key}", pair.get(key)) for key in _PAIRED]
        if published:
            parts.append({f"published_{key}": (published[number] or {}).get(key) for key in _PUBLISHED})
        flat.append({key: value for part in parts for key, value in part.items()})
    return flat


def columns(key: str, value: Any) -> dict[str, Any]:
    """A value as the cells of a CSV row: an interval becomes two, ..._low and ..._high."""
    if not key.endswith("interval"):
        return {key: value}
    low, high = value or (None, None)
    return {f"{key}_low": low, f"{key}_high": high}


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name and value of everything that fits a cell: nested names are joined, longer lists and tables left out."""
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from flatten(value, f"{name} ")
        elif not isinstance(value, list | tuple):
            yield name, value
        elif not any(isinstance(item, Mapping | list | tuple) for item in value):
            yield name, ", ".join(fact(item) for item in value)


def cell(value: Any) -> str:
    """A measured value as the text of a table's cell, with four decimals where that says something."""
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}" if 0 < abs(value) < 1e-3 else f"{value:.4f}"
    return fact(value)


def fact(value: Any) -> str:
    """A given value as text, with as many digits as it has."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
