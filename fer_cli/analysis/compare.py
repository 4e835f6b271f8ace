"""Putting results side by side, and testing differences on the same rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli import provenance
from fer_cli.analysis import results, scores
from fer_cli.analysis.predictions import FILE as PREDICTIONS
from fer_cli.analysis.predictions import Predictions, read_predictions

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Paired:
    """A result against another on the same n rows.

    difference: of the accuracies, with its 95 % paired bootstrap interval. gained, lost: rows that only this one, and
    only the other one, has right. p_value: McNemar's exact test of gained against lost.
    """

    n: int
    difference: float
    difference_interval: tuple[float, float]
    gained: int
    lost: int
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """Rows in the order given, each one's comparison with the first (None where that cannot be), and remarks."""

    rows: list[results.Row]
    paired: list[Paired | None]
    notes: list[str]

    def as_dicts(self) -> list[dict[str, Any]]:
        """Each row with its comparison against the first, JSON-able."""
        return [
            {
                **dataclasses.asdict(row),
                "result": str(row.result),
                "against_first": None if pair is None else dataclasses.asdict(pair),
            }
            for row, pair in zip(self.rows, self.paired, strict=True)
        ]


def compare(paths: Sequence[Path], seed: int = 0) -> Comparison:
    """Compare results: folders with a `result.json`, or such files.

    seed: of the bootstrap. Raises `InputError` for what is not a result with an accuracy.
    """
    records = {path: provenance.read_record(path) for path in dict.fromkeys(paths)}
    rows = results.rows(records)
    tables = [_predictions(row.result) for row in rows]
    against = [_compare_rows(table, tables[0], seed) for table in tables[1:]]
    notes = _mixed([records[row.result] for row in rows], rows)
    notes += [f"{row.result}: {leak}" for row in rows for leak in records[row.result]["results"].get("leaks", ())]
    for row, outcome in zip(rows[1:], against, strict=True):
        if isinstance(outcome, str):
            notes.append(f"{row.result}: no paired figures, {outcome}")
    return Comparison(rows, [None, *(o if isinstance(o, Paired) else None for o in against)], notes)


def mcnemar(gained: int, lost: int) -> float:
    """Two-sided exact p-value that `gained` and `lost` discordant pairs come from a fair coin.

    McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", 1947; the
    exact form is the binomial test with probability 1/2.
    """
    total = gained + lost
    tail, term = 0, 1
    for k in range(min(gained, lost) + 1):
        tail += term
        term = term * (total - k) // (k + 1)
    return min(1.0, 2 * tail / (1 << total))


def paired(this: Flags, first: Flags, seed: int = 0) -> Paired:
    """Compare which of the same N rows are right, (N,) each; the bootstrap draws rows, both answers together."""
    gained, lost, n = int((this & ~first).sum()), int((first & ~this).sum()), len(first)
    drawn = scores.resample(np.array([gained, lost, n - gained - lost]), seed)
    return Paired(
        n=n,
        difference=(gained - lost) / n,
        difference_interval=scores.interval((drawn[:, 0] - drawn[:, 1]) / n),
        gained=gained,
        lost=lost,
        p_value=mcnemar(gained, lost),
    )


def _predictions(path: Path) -> Predictions | None:
    table = (path if path.is_dir() else path.parent) / PREDICTIONS
    return read_predictions(table) if table.is_file() else None


def _compare_rows(this: Predictions | None, first: Predictions | None, seed: int) -> Paired | str:
    """The paired comparison, or why there is none."""
    if this is None or first is None:
        return f"it or the first has no {PREDICTIONS}"
    place = {source: i for i, source in enumerate(this.sources)}
    if place.keys() != set(first.sources):
        return "the rows are not those of the first"
    order = [place[source] for source in first.sources]
    if [this.labels[i] for i in order] != first.labels:
        return "the labels are not those of the first"
    return paired(this.correct[order], first.correct, seed)


def _mixed(records: Sequence[dict[str, Any]], rows: Sequence[results.Row]) -> list[str]:
    """A remark for each thing that should be the same in all rows and is not."""
    files = {", ".join(entry["sha256"][:12] for entry in results.datasets(record)) for record in records}
    kinds = {"dataset files": files, "splits": {row.split for row in rows}, "n": {f"{row.n:,}" for row in rows}}
    return [
        f"the results are of different {what} ({'; '.join(sorted(values))}): compare them with care"
        for what, values in kinds.items()
        if len(values) > 1
    ]
