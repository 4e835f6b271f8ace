"""What `fer tsne` shows of embedded faces, on the terminal and on the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_cli.reports import tables
from fer_cli.reports.terminal import Terminal

#: Title, header and rows.
Shown = tuple[str, Sequence[str], list[list[Any]]]

#: Pairs of classes in the table.
PAIRS = 5
_MIXED = ("mixing_features", "mixing_points", "by_chance", "confused_by_model")


def show(terminal: Terminal, results: Mapping[str, Any]) -> None:
    """Print the `results` of a tsne record."""
    for title, header, rows in shown(results):
        terminal.table(title, header, rows)
    for note in results["notes"]:
        terminal.log(note)
    for line in (*results["leaks"], *results["warnings"]):
        terminal.warn(line)


def shown(results: Mapping[str, Any]) -> list[Shown]:
    """The numbers beside the picture: all faces, each class, the pairs that mix most."""
    k = results["neighbours"]
    silhouette, named = results["silhouette"], results["neighbour_accuracy"]
    measures = [
        [f"trustworthiness ({k} neighbours)", None, f"{results['trustworthiness']:.4f}"],
        ["silhouette", silhouette["features"], silhouette["points"]],
        [f"accuracy by {k} neighbours", *(named[space]["accuracy"] for space in ("features", "points"))],
        ["  95 % interval", *(tables.interval_text(named[s]["accuracy_interval"]) for s in ("features", "points"))],
        ["accuracy of the model itself", results["model_accuracy"]["accuracy"], None],
    ]
    classes = [list(row.values()) for row in results["per_class"]]
    header = ("class", "n", "silhouette, features", "points", "recall by neighbours, features", "points")
    pairs = [
        [f"{pair['first']} – {pair['second']}", *(pair[key] for key in _MIXED)] for pair in results["pairs"][:PAIRS]
    ]
    mixed = ("pair", "share of neighbours, features", "points", "by chance", "confused by the model")
    found: list[Shown] = [(title(results), ("measure", "features", "points"), measures), ("by class", header, classes)]
    return [*found, ("pairs that mix most", mixed, pairs)] if pairs else found


def title(results: Mapping[str, Any], joint: str = ": ") -> str:
    """What was embedded, and how."""
    rows = f"{Path(results['dataset']).name}, {results['split']}, n = {results['n']:,}"
    return f"{results['protocol']}{joint}{Path(results['model']).name} on {rows}"
