"""What `fer worst-labels` shows of suspects, and of a dataset whose labels were cleaned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_cli.reports import tables
from fer_cli.reports.terminal import Terminal

#: Title, header and rows.
Shown = tuple[str, Sequence[str], list[list[Any]]]

#: Suspects and pairs of classes in a table; all suspects are in suspects.csv.
_ROWS = 10
_SIDES = {
    "model": "the model's class",
    "given": "the given label",
    "other": "another emotion",
    "none": "no emotion by majority",
}


def show(terminal: Terminal, results: Mapping[str, Any]) -> None:
    """Print the `results` of a record, of a ranking or of cleaning."""
    for title, header, rows in shown(results):
        terminal.table(title, header, rows)
    for line in (*results.get("leaks", ()), *results.get("warnings", ())):
        terminal.warn(line)
    for note in results["notes"]:
        terminal.log(note)


def shown(results: Mapping[str, Any]) -> list[Shown]:
    """The tables of a ranking, or of cleaning."""
    if "worst" not in results:
        return [_cleaned(results)]
    found = [_worst(results)] if results["worst"] else []
    found.append(_pairs(results))
    if truth := results["truth"]:
        found.append(_truth(truth, len(results["worst"])))
    if votes := results["votes"]:
        found.append(_votes(votes))
    return [*found, _cleaned(results["cleaned"])] if results["cleaned"] else found


def captions(worst: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each face of a contact sheet: given and suggested class, suspicion, and the voters' majority."""
    return [
        f"{row['given']} →\n{row['suggested']} {row['suspicion']:.2f}"
        + (f"\nvoters: {row['majority'] or '–'}" if "majority" in row else "")
        for row in worst
    ]


def _title(results: Mapping[str, Any]) -> str:
    name = f"{Path(results['dataset']).name}, {results['split']}, n = {results['n']:,}, {results['protocol']}"
    return f"{results['suspects']:,} suspects by {results['method']}: {name}"


def _worst(results: Mapping[str, Any]) -> Shown:
    header = ["rank", "source", "given", "suggested", "suspicion"]
    voted = results["votes"] is not None
    rows = [
        [str(row["rank"]), *(row[key] for key in header[1:]), *([row["majority"] or "–"] if voted else [])]
        for row in results["worst"][:_ROWS]
    ]
    return _title(results), [*header, *(["voters' majority"] if voted else [])], rows


def _pairs(results: Mapping[str, Any]) -> Shown:
    rows = [[f"{pair['given']} → {pair['suggested']}", pair["suspects"], pair["top"]] for pair in results["pairs"]]
    return "Given → suggested", ("classes", "suspects", f"of the first {len(results['worst'])}"), rows[:_ROWS]


def _truth(truth: Mapping[str, Any], top: int) -> Shown:
    wrong = truth["wrong"]
    rows = [
        [f"wrong of the first {wrong:,}", truth["precision_at_wrong"], tables.interval_text(
            truth["precision_at_wrong_interval"])],
        [f"… and mended by the suggestion, of the first {wrong:,}", truth["mended_at_wrong"], "–"],
        [f"wrong of the first {top:,}", truth["precision_at_top"], "–"],
        ["wrong of all rows (by chance)", truth["by_chance"], "–"],
    ]  # fmt: skip
    return f"Against the true labels: {wrong:,} of {truth['n']:,} are wrong", ("share", "value", "95 % interval"), rows


def _votes(votes: Mapping[str, Any]) -> Shown:
    groups = {
        f"first {votes['top']['n']:,}": votes["top"],
        f"all {votes['suspects']['n']:,} suspects": votes["suspects"],
    }
    rows: list[list[Any]] = [[name, *(group[side] for group in groups.values())] for side, name in _SIDES.items()]
    rows.append(["share with the model", *(group["share_model"] for group in groups.values())])
    rows.append(["95 % interval", *(tables.interval_text(group["share_model_interval"]) for group in groups.values())])
    everyone = votes["all_rows"]
    share = "–" if everyone["share_given"] is None else f"{everyone['share_given']:.1%}"
    title = f"The voters' majority sides with … (of all {everyone['n']:,} rows with one, {share} with the given label)"
    return title, ("side", *groups), rows


def _cleaned(cleaned: Mapping[str, Any]) -> Shown:
    rows = [
        *([f"decided: {name}", count] for name, count in cleaned["decisions"].items() if count),
        ["rows kept", cleaned["rows"]],
        ["relabelled", cleaned["relabelled"]],
        ["dropped", cleaned["dropped"]],
        *([f"changed in {split}", count] for split, count in cleaned["touched"].items()),
    ]
    return cleaned["path"], ("rows", "number"), rows
