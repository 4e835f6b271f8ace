"""What `fer bias` shows in tables, on the terminal, on the page and as CSV files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_cli.reports import tables
from fer_cli.reports.terminal import Terminal

#: Title, header and rows.
Shown = tuple[str, Sequence[str], list[list[Any]]]

_GAP_HEADER = (
    "gap of", "largest", "95 % interval", "min/max", "95 % interval", "by chance", "p", "p (Holm)", "lowest", "highest",
)  # fmt: skip


def show(terminal: Terminal, results: Mapping[str, Any]) -> None:
    """Print the `results` of a bias record."""
    terminal.log(
        f"{Path(results['dataset']).name}, {results['split']}, n = {results['n']:,}, {results['protocol']}: "
        f"accuracy {results['accuracy']:.4f}, 95 % interval {tables.interval_text(results['accuracy_interval'])}"
    )
    for title, header, rows in shown(results):
        terminal.table(title, header, rows)
    for line in results["leaks"]:
        terminal.warn(f"these scores may be too good: {line}")
    for warning in results["warnings"]:
        terminal.warn(warning)
    for note in results["notes"]:
        terminal.log(note)


def shown(results: Mapping[str, Any]) -> list[Shown]:
    """For each grouping its groups and its gaps."""
    return [table for grouping in results["groupings"] for table in (_groups(grouping), _gaps(grouping))]


def _groups(grouping: Mapping[str, Any]) -> Shown:
    persons = grouping["drawn"] == "persons"
    header = [
        "group",
        "n",
        *(["persons"] if persons else []),
        "accuracy",
        "95 % interval",
        "mean recall",
        "95 % interval",
    ]
    rows = []
    for group in grouping["groups"]:
        sizes = [group["accuracy"]["n"], *([group["persons"]] if persons else [])]
        name = group["name"] if group["counted"] else f"{group['name']} (too few)"
        rows.append([name, *sizes, *_share(group["accuracy"]), *_share(group["balanced_accuracy"])])
    return f"By {grouping['by']}: n = {grouping['n']:,}, resampled are {grouping['drawn']}", header, rows


def _gaps(grouping: Mapping[str, Any]) -> Shown:
    rows = [_gap("accuracy", grouping["accuracy"])]
    rows += [_gap(f"recall of {name}", gap) for name, gap in grouping["recall"].items()]
    if odds := grouping["equalised_odds"]:
        name = f"equalised odds ({odds['rate']} of {odds['class_name']})"
        rows.append(_gap(name, {**odds, "ratio": None, "ratio_interval": None, "p_holm": None}))
    return f"Gaps by {grouping['by']}", _GAP_HEADER, rows


def _share(share: Mapping[str, Any]) -> list[Any]:
    return [share["value"], tables.interval_text(share["interval"])]


def _gap(name: str, gap: Mapping[str, Any]) -> list[Any]:
    chance = [gap["by_chance"], _p(gap["p_value"]), _p(gap["p_holm"])]
    largest = [gap["gap"], tables.interval_text(gap["gap_interval"])]
    ratio = [gap["ratio"], tables.interval_text(gap["ratio_interval"])]
    return [name, *largest, *ratio, *chance, gap["lowest"], gap["highest"]]


def _p(value: float | None) -> str | None:
    return None if value is None else f"{value:.3g}"


def group_rows(groupings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A dictionary a group of every grouping, for groups.csv."""
    return [
        {
            "by": grouping["by"],
            "group": group["name"],
            "n": group["accuracy"]["n"],
            "persons": group["persons"],
            "counted": int(group["counted"]),
            **_columns("accuracy", group["accuracy"]),
            **_columns("balanced_accuracy", group["balanced_accuracy"]),
        }
        for grouping in groupings
        for group in grouping["groups"]
    ]


def cell_rows(groupings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A dictionary for each class of each group of every grouping, for cells.csv."""
    return [
        {
            "by": grouping["by"],
            "class": cell["class_name"],
            "group": cell["group"],
            "n": cell["recall"]["n"],
            "counted": int(cell["counted"]),
            **_columns("recall", cell["recall"]),
            "n_others": cell["false_positive_rate"]["n"],
            **_columns("false_positive_rate", cell["false_positive_rate"]),
        }
        for grouping in groupings
        for cell in grouping["cells"]
    ]


def _columns(name: str, share: Mapping[str, Any]) -> dict[str, Any]:
    low, high = share["interval"] or (None, None)
    return {name: share["value"], f"{name}_low": low, f"{name}_high": high}
