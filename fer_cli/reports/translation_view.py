"""What `fer transfer apply` shows: what the judges say of a dataset's faces, and what became of those in pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_cli.reports import tables
from fer_cli.reports.terminal import Terminal

#: Title, header and rows.
Shown = tuple[str, Sequence[str], list[list[Any]]]

_HITS = ("target", "n", "hit rate", "95 % interval", "untouched", "real faces", "mean probability")


def show(terminal: Terminal, results: Mapping[str, Any]) -> None:
    """Print the `results` of a record."""
    for title, header, rows in shown(results):
        terminal.table(title, header, rows)
    for note in results["notes"]:
        terminal.log(note)
    for line in (*results.get("leaks", ()), *results["warnings"]):
        terminal.warn(line)


def shown(results: Mapping[str, Any]) -> list[Shown]:
    """The tables of a result."""
    verdict, found = results["verdict"], results.get("pictures")
    tables_: list[Shown] = []
    if verdict is not None:
        tables_ += [(title(verdict), ("score", "value", "95 % interval"), _scores(verdict))]
        tables_ += [("hit rate by target", _HITS, [_hits(one) for one in verdict["hits"]])]
    if found:
        header = ("picture", "frames", "faces", "target", "taken for the target", "before")
        tables_ += [("faces in pictures", header, [list(row.values()) for row in found])]
    return tables_


def csv_rows(hits: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row a target, the interval in two columns."""
    return [dict(cell for item in row.items() for cell in tables.columns(*item).items()) for row in hits]


def title(verdict: Mapping[str, Any]) -> str:
    """What was judged, by whom, in a line."""
    name = Path(verdict["dataset"]).name
    return f"{name}, {verdict['split']}, n = {verdict['n']:,}, judged by {Path(verdict['judge']).name}"


def _hits(row: Mapping[str, Any]) -> list[Any]:
    return [
        row["target"], row["n"], row["hit_rate"], tables.interval_text(row["hit_interval"]), row["before"],
        row["recall"], row["probability"],
    ]  # fmt: skip


def _scores(verdict: Mapping[str, Any]) -> list[list[Any]]:
    """Name, value and interval of each score; what does not exist is left out."""
    kept, real = verdict["identity"] or {}, verdict["realism"] or {}
    persons = f"identity match (nearest of {kept.get('persons')} persons)"
    pictures = f"nearest of {kept.get('pictures')} real pictures is its own source"
    rows = [
        ["hit rate (other class than the face's)", verdict["hit_rate"], verdict["hit_interval"]],
        ["the judge's accuracy on the faces as they are", verdict["judge_accuracy"], None],
        [persons, kept.get("match"), kept.get("match_interval")],
        ["the same of real pictures", kept.get("ceiling"), kept.get("ceiling_interval")],
        [pictures, kept.get("source_match"), kept.get("source_match_interval")],
        ["distance of identity to its source", kept.get("to_source"), None],
        ["of two real pictures of a person", kept.get("within"), None],
        ["of two persons", kept.get("across"), None],
        ["SSIM outside the mask", verdict["ssim_outside"], None],
        ["SSIM of the whole face", verdict["ssim"], None],
        ["mean of the mask", verdict["changed"], None],
        ["Fréchet distance to real faces", real.get("distance"), real.get("distance_interval")],
        ["of real faces to real faces", real.get("floor"), real.get("floor_interval")],
    ]
    return [[name, value, tables.interval_text(ends)] for name, value, ends in rows if value is not None]
