"""Suspects: rows that a model names otherwise than their labels, the most suspicious first."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli import catalog, files
from fer_cli.analysis.labels.answers import Answers
from fer_cli.datasets.relabel import ACCEPT, DROP, Decision
from fer_cli.errors import InputError, UsageError

#: The table of all suspects in a result's folder.
FILE = "suspects.csv"
#: Its first columns, which `read_suspects` needs.
_COLUMNS = ("rank", "source", "given", "suggested", "suspicion")

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Ranking:
    """M suspects among the N rows of `answers`, the most suspicious first.

    rows: (M,) index into the N. suggested: (M,) the class that the model names instead. suspicion: (M,), 0..1.
    """

    answers: Answers
    method: str
    rows: Rows
    suggested: Rows
    suspicion: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def given(self) -> npt.NDArray[np.uint8]:
        """(M,) the labels of the suspects."""
        return self.answers.labels[self.rows]

    def pairs(self, top: int) -> list[dict[str, Any]]:
        """Given and suggested class, how many suspects have them, and how many of the first `top`; most first."""
        names = self.answers.class_names
        both = list(zip(self.given.tolist(), self.suggested.tolist(), strict=True))
        first = Counter(both[:top])
        return [
            {"given": names[given], "suggested": names[other], "suspects": count, "top": first[given, other]}
            for (given, other), count in Counter(both).most_common()
        ]

    def worst(self, count: int, decision: str) -> list[Decision]:
        """The decision to drop the first `count` suspects, or to accept what is suggested for them."""
        _check_count(count, len(self), decision)
        names, sources = self.answers.class_names, self.answers.sources
        return [
            Decision(sources[row], names[given], decision, None if decision == DROP else names[other])
            for row, given, other in zip(self.rows[:count], self.given, self.suggested, strict=False)
        ]


def rank(answers: Answers, method: str) -> Ranking:
    """The rows that the model names otherwise and the method suspects.

    method: a name of `catalog.LABEL_METHODS`. Among equally suspicious rows, those with the more probable suggestion
    come first. Raises as the method.
    """
    labels, probabilities = answers.labels, answers.probabilities
    suspicion = catalog.find(catalog.LABEL_METHODS, method, "method")(labels, probabilities)
    suggested = probabilities.argmax(1)
    rows = np.flatnonzero((suggested != labels) & ~np.isnan(suspicion))
    order = rows[np.lexsort((-probabilities[rows, suggested[rows]], -suspicion[rows]))]
    return Ranking(answers, method, order, suggested[order], suspicion[order])


def write_suspects(path: Path, ranking: Ranking, majority: Sequence[str | None] | None = None) -> None:
    """Write all suspects: rank, source, given, suggested, suspicion, p_CLASS of each class, and the voters' majority.

    majority: of each of the N rows the class that most of its voters named, or None; no such column where it is None.
    """
    answers = ranking.answers
    names = answers.class_names
    with files.atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        extra = [] if majority is None else ["majority"]
        writer.writerow([*_COLUMNS, *extra, *(f"p_{name}" for name in names)])
        suspects = zip(ranking.rows, ranking.given, ranking.suggested, ranking.suspicion, strict=True)
        for place, (row, given, suggested, suspicion) in enumerate(suspects, 1):
            head = [place, answers.sources[row], names[given], names[suggested], f"{suspicion:.6f}"]
            side = [] if majority is None else [majority[row] or ""]
            writer.writerow([*head, *side, *(f"{p:.6f}" for p in answers.probabilities[row])])


def read_suspects(path: Path, count: int, decision: str) -> list[Decision]:
    """As `Ranking.worst`, from the table that `write_suspects` made; `InputError` for another table."""
    decisions = []
    try:
        # Excel begins a table with a byte-order mark.
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            header = tuple(reader.fieldnames or ())
            if header[: len(_COLUMNS)] != _COLUMNS:
                raise InputError(f"{path}: expected the columns {', '.join(_COLUMNS)}, … Received: {', '.join(header)}")
            for row in reader:
                if None in row or None in row.values():
                    raise InputError(f"{path}: line {reader.line_num}: expected {len(header)} values")
                label = None if decision == DROP else row["suggested"]
                decisions.append(
                    Decision(row["source"], row["given"], decision, label, f"{path}: line {reader.line_num}")
                )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable table of suspects ({error})") from error
    _check_count(count, len(decisions), decision)
    return decisions[:count]


def _check_count(count: int, suspects: int, decision: str) -> None:
    if count > suspects:
        flag = {DROP: "--drop-worst", ACCEPT: "--correct-worst"}[decision]
        raise UsageError(f"{flag} {count}: expected at most the {suspects} rows that are suspected")
