"""What `fer svm` shows on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fer_cli.reports import tables
from fer_cli.reports.terminal import Terminal

Shown = tuple[str, Sequence[str], list[list[Any]]]


def show(terminal: Terminal, results: Mapping[str, Any]) -> None:
    """Tables of scores and of the search, and what to be careful of."""
    rows = classifiers(results)
    for table in _overview(rows):
        terminal.table(*table)
    notes = [f"these scores may be too good: {leak}" for leak in rows[0]["leaks"]]
    for note in [*notes, *((results["versus"] or {}).get("notes", ()))]:
        terminal.warn(note)


def classifiers(results: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The results of each classifier of a run of one or of several."""
    return results.get("classifiers") or [results]


def tables_of(results: Mapping[str, Any]) -> list[Shown]:
    """All tables of a result: an overview, and of a single classifier its scores and those of each class."""
    rows = classifiers(results)
    found = _overview(rows)
    if "per_class" not in results:
        return found
    classes = [list(row.values()) for row in results["per_class"]]
    found.append(("scores", ("score", "value", "95 % interval"), tables.score_rows(results)))
    found.append(("by class", ("class", "support", "precision", "recall", "F1"), classes))
    return found


def _overview(rows: Sequence[Mapping[str, Any]]) -> list[Shown]:
    """Two tables with a row for each classifier: scores, and how its parameters were found."""
    first, search = rows[0], rows[0]["cross_validation"]
    scored = f"{first['split']}, n = {first['n']:,}, {first['features']} ({first['columns']:,} columns)"
    found = f"search on train: {search['folds']} folds by {search['grouped_by']}, n = {search['rows']:,}"
    return [
        (
            scored,
            ("classifier", "defaults", "tuned", "95 % interval", "macro F1", "ECE", "fit s", "predict s"),
            [_scores(row) for row in rows],
        ),
        (
            found,
            ("classifier", "best parameters", "defaults", "best", "± of folds", "fits", "search s"),
            [_search(row) for row in rows],
        ),
    ]


def _scores(row: Mapping[str, Any]) -> list[Any]:
    seconds = [f"{row['seconds_of'][name]:.1f}" for name in ("fit", "predict")]
    interval = tables.interval_text(row["accuracy_interval"])
    before = row["before_tuning"]["accuracy"]
    return [row["classifier"], before, row["accuracy"], interval, row["macro_f1"], row["ece"], *seconds]


def _search(row: Mapping[str, Any]) -> list[Any]:
    found = row["cross_validation"]
    accuracies = [found[name] for name in ("accuracy_before_tuning", "accuracy", "deviation")]
    return [row["classifier"], parameters(row), *accuracies, found["fits"], f"{row['seconds_of']['search']:.1f}"]


def parameters(row: Mapping[str, Any]) -> str:
    """The parameters that were found, in one line."""
    return ", ".join(f"{name} {value}" for name, value in row["best_parameters"].items()) or "defaults"
