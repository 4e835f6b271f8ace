"""What `fer aggregate` shows in tables, on the terminal, on the page and as CSV files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fer_cli.analysis.lecture.moments import Moment
from fer_cli.reports import tables
from fer_cli.reports.terminal import Terminal

#: Title, header and rows.
Shown = tuple[str, Sequence[str], list[list[Any]]]

#: Moments of each kind on the terminal.
_FEW = 3


def show(terminal: Terminal, results: Mapping[str, Any]) -> None:
    """Print the `results` of an aggregate record."""
    for title, header, rows in (_overall(results), _moments(results, _FEW)):
        if rows:
            terminal.table(title, header, rows)
    for note in results["notes"]:
        terminal.log(note)


def shown(results: Mapping[str, Any]) -> list[Shown]:
    """All tables, for the page."""
    found = [_overall(results), _moments(results), _minutes(results), _viewers(results)]
    return [table for table in found if table[2]]


def clock(seconds: float) -> str:
    """A time of the lecture as minutes and seconds, with hours where there are any: 2:05, 1:02:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment_rows(moments: Sequence[Moment]) -> list[dict[str, Any]]:
    """Rows of moments.csv; one without values where nothing stands out, lest the file lack its header."""
    rows = []
    for moment in moments:
        row = {**vars(moment), "clear": moment.clear, "time": clock(moment.start)}
        rows.append({name: cell for key, value in row.items() for name, cell in tables.columns(key, value).items()})
    return rows or [dict.fromkeys(("kind", "start", "end", "value"))]


def _overall(results: Mapping[str, Any]) -> Shown:
    overall = results["overall"]
    names = ["attentive", "away", "eyes_closed", "no_face", *(f"p_{name}" for name in results["class_names"])]
    rows = [
        [name.removeprefix("p_").replace("_", " "), overall[name], _interval(overall[f"{name}_interval"])]
        for name in (*names, "valence", "joy", "confusion")
    ]
    title = f"The whole lecture: {clock(results['seconds'])}, {results['voices']} {results['n']:,}"
    return title, ("share or score", "mean", "95 % interval over viewers"), rows


def _interval(interval: Sequence[float] | None) -> str | None:
    return None if interval is None else tables.interval_text(interval)


def _p(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _moments(results: Mapping[str, Any], most: int | None = None) -> Shown:
    header = ("most", "time", "mean", "95 % interval", "usual", "viewers", "p", "clear")
    rows, counts = [], dict[str, int]()
    for moment in results["moments"]:
        kind = moment["kind"]
        counts[kind] = counts.get(kind, 0) + 1
        if most is None or counts[kind] <= most:
            time = f"{clock(moment['start'])}–{clock(moment['end'])}"
            values = [
                moment["value"],
                _interval(moment["interval"]),
                moment["usual"],
                moment["viewers"],
                _p(moment["p"]),
            ]
            rows.append([kind, time, *values, "yes" if moment["clear"] else "no"])
    return "Moments that stand out; p: of so high a one among viewers with nothing in common", header, rows


def _minutes(results: Mapping[str, Any]) -> Shown:
    names = ("viewers", "attentive", "away", "eyes_closed", "no_face", "valence", "joy", "confusion", "emotion")
    rows = [[clock(row["start_s"]), *(row[name] for name in names)] for row in results["minutes"]]
    return "Minute by minute", ("from", *(name.replace("_", " ") for name in names)), rows


def _viewers(results: Mapping[str, Any]) -> Shown:
    header = (
        "viewer",
        "rows",
        "from",
        "to",
        "every s",
        "gaps",
        "unknown s",
        "attentive",
        "no face",
        "valence",
        "emotion",
    )
    rows = [
        [
            *(row["viewer"], row["rows"], clock(row["start_s"]), clock(row["end_s"]), f"{row['interval_s']:.3g}"),
            *(row["gaps"], f"{row['gap_s']:.0f}", row["attentive"], row["no_face"], row["valence"], row["emotion"]),
        ]
        for row in results["viewers"]
    ]
    return "Viewers", header, rows
