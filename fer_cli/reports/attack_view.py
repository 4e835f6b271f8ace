"""What `fer attack` shows of a network under attack, on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_cli.reports import tables
from fer_cli.reports.terminal import Terminal

#: Title, header and rows.
Shown = tuple[str, Sequence[str], list[list[Any]]]

_HEADER = (
    "method", "norm", "epsilon", "accuracy", "95 % interval", "success", "95 % interval", "mean L2", "mean L∞",
    "confidence",
)  # fmt: skip


def show(terminal: Terminal, results: Mapping[str, Any]) -> None:
    """Print the `results` of an attack record."""
    for title, header, rows in shown(results):
        terminal.table(title, header, rows)
    for note in results["notes"]:
        terminal.log(note)
    if saved := results["saved"]:
        terminal.log(
            f"{saved['path']}: {saved['n']:,} images of {saved['method']} with epsilon {saved['epsilon']:.4g}, rounded "
            f"to 8 bits; accuracy on them {saved['accuracy_rounded']:.4f}"
        )
    for line in (*results["leaks"], *results["warnings"]):
        terminal.warn(line)


def shown(results: Mapping[str, Any]) -> list[Shown]:
    """The outcomes, and the checks."""
    clean = results["clean"]
    none = [None, None, None]
    first = [
        "none", None, None, clean["accuracy"], tables.interval_text(clean["accuracy_interval"]), *none, None,
        clean["confidence"],
    ]  # fmt: skip
    rows = [first, *(_outcome(row) for row in results["attacks"])]
    checks = [
        [check["name"], "passed" if check["passed"] else "FAILED", check["n"], check["value"], check["threshold"]]
        for check in results["checks"]
    ]
    found: list[Shown] = [(_title(results), _HEADER, rows)]
    if checks:
        found.append(("checks", ("check", "outcome", "n", "share", "allowed"), checks))
    return found


def csv_rows(attacks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All outcomes without their confusion matrices, an interval in two columns."""
    kept = [{key: value for key, value in row.items() if key != "confusion_matrix"} for row in attacks]
    return [dict(cell for item in row.items() for cell in tables.columns(*item).items()) for row in kept]


def _outcome(row: Mapping[str, Any]) -> list[Any]:
    return [
        row["method"], row["norm"], f"{row['epsilon']:.4g}", row["accuracy"],
        tables.interval_text(row["accuracy_interval"]), row["success"], tables.interval_text(row["success_interval"]),
        row["mean_l2"], row["mean_linf"], row["confidence"],
    ]  # fmt: skip


def _title(results: Mapping[str, Any]) -> str:
    name = f"{Path(results['dataset']).name}, {results['split']}, n = {results['n']:,}, {results['protocol']}"
    return f"{Path(results['model']).name} on {name}"
