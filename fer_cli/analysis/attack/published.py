"""Others' figures of accuracy under attack, from a table of the user's."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from fer_cli.analysis.attack.plan import EPSILONS
from fer_cli.attacks.ball import INF
from fer_cli.errors import InputError

#: Columns that a table needs; `norm` (by default inf), and others, may be there, too.
REQUIRED = ("epsilon", "accuracy", "source")


@dataclass(frozen=True)
class Published:
    """One published figure. epsilon: as in `attack.plan.Task`. accuracy: 0..1. source: where it was read."""

    norm: str
    epsilon: float
    accuracy: float
    source: str


def read_published(path: Path) -> list[Published]:
    """The rows of a CSV file; `InputError` for what is no such table, naming the line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = set(REQUIRED) - set(reader.fieldnames or ())
            if missing:
                raise InputError(f"{path}: expected the columns {', '.join(REQUIRED)}. Missing: {', '.join(missing)}")
            return [_published(path, reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable CSV file ({error})") from error


def _published(path: Path, line: int, row: dict[str, str | None]) -> Published:
    try:
        epsilon, accuracy = float(row["epsilon"] or ""), float(row["accuracy"] or "")
    except ValueError:
        epsilon = accuracy = -1.0
    if not (epsilon > 0 and 0 <= accuracy <= 1):
        received = f"{row['epsilon']}, {row['accuracy']}"
        raise InputError(f"{path}:{line}: expected an epsilon above 0 and an accuracy of 0..1. Received: {received}")
    norm = row.get("norm") or INF
    if norm not in EPSILONS:
        raise InputError(f"{path}:{line}: norm: expected {', '.join(EPSILONS)} or nothing. Received: {norm}")
    return Published(norm, epsilon, accuracy, row["source"] or "")
