"""Published figures from a table of the user's, each beside our results of the same name."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from fer_cli.analysis.results import Row
from fer_cli.errors import InputError
from fer_cli.labels import SPLITS

#: Columns of a published table, in any order; cells of those that are not required may be empty.
COLUMNS = ("name", "model", "dataset", "split", "n", "accuracy", "macro_f1", "protocol", "source")
REQUIRED = ("name", "accuracy", "source")


@dataclass(frozen=True)
class Published:
    """One published figure; what its source does not say is None.

    name: of the results of ours that it is to stand beside, which is the name of their folder; it may hold * as in a
    shell, for folds. model: what the figure is of, where the name does not say it. split: of `SPLITS`; a figure
    without one stands beside the results of any split. accuracy, macro_f1: 0..1. source: where it was read.
    """

    name: str
    model: str | None
    dataset: str | None
    split: str | None
    n: int | None
    accuracy: float
    macro_f1: float | None
    protocol: str | None
    source: str

    def is_beside(self, row: Row) -> bool:
        """Whether a result of ours bears its name and is of its split."""
        return fnmatchcase(row.name, self.name) and self.split in (None, row.split)


@dataclass(frozen=True)
class Beside:
    """A published figure and ours; where nothing of ours bears its name, runs is 0 and ours is None.

    runs: how many results of ours bear the name, on the same split: folds, or repeats with other seeds. accuracy and
    macro_f1 are their mean, weighted by n, and n is the sum. accuracy_interval: of a single run, 95 %.
    """

    published: Published
    split: str | None
    runs: int
    dataset: str | None
    n: int | None
    accuracy: float | None
    accuracy_interval: tuple[float, float] | None
    macro_f1: float | None

    @property
    def difference(self) -> float | None:
        """Our accuracy less the published one."""
        return None if self.accuracy is None else self.accuracy - self.published.accuracy

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**dataclasses.asdict(self), "difference": self.difference}


def read_published(path: Path) -> list[Published]:
    """The rows of a UTF-8 csv with the header `COLUMNS`.

    Raises `InputError` that names file, row and what was expected for a table that cannot be read as such.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream, strict=True, restval="")
            header = tuple(table.fieldnames or ())
            if not set(REQUIRED) <= set(header) <= set(COLUMNS) or len(set(header)) < len(header):
                raise InputError(f"{path}: expected the columns {', '.join(COLUMNS)}. Received: {', '.join(header)}")
            found = [_row(cells, f"{path}:{table.line_num}") for cells in table]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable csv file ({error})") from error
    if not found:
        raise InputError(f"{path}: expected at least one published figure. Received: none")
    return found


def beside(published: Sequence[Published], rows: Sequence[Row]) -> list[Beside]:
    """Each published figure with our results of its name, in the order of the published table.

    A figure that names no split stands once beside each split of ours; one of a split that none of ours is of is left
    out.
    """
    found = []
    for figure in (f for f in published if f.split in {None, *(row.split for row in rows)}):
        named = [row for row in rows if figure.is_beside(row)]
        splits = dict.fromkeys(row.split for row in named)
        found += [_mean(figure, split, [row for row in named if row.split == split]) for split in splits]
        if not named:
            found.append(Beside(figure, figure.split, 0, None, None, None, None, None))
    return found


def of_row(published: Sequence[Published], row: Row) -> list[Published]:
    """The published figures that stand beside a row of ours, in the order of their table."""
    return [figure for figure in published if figure.is_beside(row)]


def _row(cells: Mapping[str | None, Any], place: str) -> Published:
    if None in cells:
        raise InputError(f"{place}: expected a cell for each column. Received: {len(cells[None])} more")
    text = {name: str(cells.get(name) or "").strip() for name in COLUMNS}
    for name in REQUIRED:
        if not text[name]:
            raise InputError(f"{place}: {name}: expected a value. Received: an empty cell")
    if text["split"] not in ("", *SPLITS):
        raise InputError(f"{place}: split: expected {', '.join(SPLITS)} or nothing. Received: {text['split']!r}")
    return Published(
        name=text["name"],
        model=text["model"] or None,
        dataset=text["dataset"] or None,
        split=text["split"] or None,
        n=_count(text["n"], place),
        accuracy=_fraction(text, "accuracy", place),
        macro_f1=_fraction(text, "macro_f1", place) if text["macro_f1"] else None,
        protocol=text["protocol"] or None,
        source=text["source"],
    )


def _count(text: str, place: str) -> int | None:
    if text and not (text.isascii() and text.isdigit() and int(text)):
        raise InputError(f"{place}: n: expected a whole number from 1, or nothing. Received: {text!r}")
    return int(text) if text else None


def _fraction(text: Mapping[str, str], name: str, place: str) -> float:
    try:
        value = float(text[name])
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise InputError(f"{place}: {name}: expected a number from 0 to 1. Received: {text[name]!r}")
    return value


def _mean(figure: Published, split: str, rows: Sequence[Row]) -> Beside:
    n = sum(row.n for row in rows)
    f1 = [row.macro_f1 for row in rows]
    return Beside(
        published=figure,
        split=split,
        runs=len(rows),
        dataset=", ".join(dict.fromkeys(row.dataset for row in rows)),
        n=n,
        accuracy=sum(row.accuracy * row.n for row in rows) / n,
        accuracy_interval=rows[0].accuracy_interval if len(rows) == 1 else None,
        macro_f1=None if None in f1 else sum((row.macro_f1 or 0.0) * row.n for row in rows) / n,
    )
