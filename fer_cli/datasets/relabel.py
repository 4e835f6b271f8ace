"""A dataset with other labels, or without some rows: what was decided about probable label errors, applied."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.splits import known_leaks
from fer_cli.datasets.thin import known_thinnings
from fer_cli.errors import InputError
from fer_cli.labels import SPLITS
from fer_cli.store.reader import Dataset
from fer_cli.store.writer import create_dataset

#: What can be decided of a suggested label: it is right; the given one is; another class is; the row shall go.
ACCEPT, REJECT, CORRECT, DROP = "accept", "reject", "correct", "drop"
DECISIONS = (ACCEPT, REJECT, CORRECT, DROP)
COLUMNS = ("source", "given", "decision", "label")
#: The attribute of a relabelled file that keeps the labels as they were first given.
GIVEN = "given_label"

Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Votes = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Decision:
    """What is to become of a row.

    given: its label so far. decision: of `DECISIONS`. label: what it is to have, None for a row that is dropped. where:
    it was read, for an error.
    """

    source: str
    given: str
    decision: str
    label: str | None
    where: str = ""


@dataclass(frozen=True)
class Changes:
    """What becomes of the N rows of a file. keep: bool (N,). labels: uint8 (N,), index into the class names."""

    keep: Mask
    labels: Codes


def read_decisions(path: Path) -> list[Decision]:
    """The table with the columns source, given, decision and label; `InputError` names the line that is not so."""
    found = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            header = tuple(next(reader, ()))
            if header != COLUMNS:
                raise InputError(f"{path}: expected the columns {', '.join(COLUMNS)}. Received: {', '.join(header)}")
            for row in reader:
                if row:
                    found.append(_decision(row, f"{path}: line {reader.line_num}"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable table of decisions ({error})") from error
    return found


def _decision(row: Sequence[str], where: str) -> Decision:
    if len(row) != len(COLUMNS):
        raise InputError(f"{where}: expected {len(COLUMNS)} values. Received: {len(row)}")
    source, given, decision, label = row
    if decision not in DECISIONS:
        raise InputError(f"{where}: expected a decision of {', '.join(DECISIONS)}. Received: {decision!r}")
    fits = {DROP: not label, REJECT: label == given, ACCEPT: bool(label), CORRECT: bool(label)}
    if not fits[decision]:
        raise InputError(f"{where}: {decision} of a row given as {given}: unexpected label {label!r}")
    return Decision(source, given, decision, label or None, where)


def changes(dataset: Dataset, decisions: Sequence[Decision]) -> Changes:
    """What the decisions make of the rows of a dataset.

    Raises `InputError` for a row that the file does not have, that is labelled otherwise there, or that is decided
    about twice, and for an unknown class.
    """
    labels, names = dataset.labels(None), dataset.class_names
    place = {source: row for row, source in enumerate(dataset.sources(None))}
    keep, seen = np.ones(len(labels), np.bool_), set[str]()
    for decision in decisions:
        where = decision.where or decision.source
        row = place.get(decision.source)
        if row is None:
            raise InputError(f"{where}: {dataset.path} has no row {decision.source!r}")
        if decision.source in seen:
            raise InputError(f"{where}: the row {decision.source!r} was decided about before")
        seen.add(decision.source)
        if decision.given != names[labels[row]]:
            raise InputError(
                f"{where}: {decision.source} in {dataset.path}: expected the label {decision.given}. "
                f"Received: {names[labels[row]]}"
            )
        if decision.label is None:
            keep[row] = False
        elif decision.label not in names:
            raise InputError(f"{where}: expected a class of {', '.join(names)}. Received: {decision.label!r}")
        else:
            labels[row] = names.index(decision.label)
    return Changes(keep, labels)


def clean(
    dataset: Dataset,
    output: Path,
    decisions: Sequence[Decision],
    record: Mapping[str, Any],
    advance: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Publish what the decisions make of a dataset at `output`; what they changed, JSON-able.

    record: of the command, which the file keeps with these results in place of its own. advance: as of `write`. Raises
    as `changes` and `write`.
    """
    made = changes(dataset, decisions)
    results = {"path": str(output), **_results(dataset, decisions, made)}
    write(dataset, output, made, {**record, "results": results}, advance)
    return results


def _results(dataset: Dataset, decisions: Sequence[Decision], made: Changes) -> dict[str, Any]:
    before, split, counts = dataset.labels(None), dataset.splits(), Counter(each.decision for each in decisions)
    relabelled, dropped = made.keep & (made.labels != before), ~made.keep
    table = np.zeros((len(dataset.class_names), len(SPLITS)), np.int64)
    np.add.at(table, (made.labels[made.keep], split[made.keep]), 1)
    overruled = relabelled.any() and dataset.votes(None) is not None
    touched = {name: int((relabelled | dropped)[split == code].sum()) for code, name in enumerate(SPLITS)}
    return {
        "dataset": str(dataset.path),
        "rows": int(made.keep.sum()),
        "decisions": {name: counts[name] for name in DECISIONS},
        "relabelled": int(relabelled.sum()),
        "dropped": int(dropped.sum()),
        "touched": touched,
        "table_before": _by_name(dataset, dataset.table()),
        "table": _by_name(dataset, table),
        "split": {"leaks": known_leaks(dataset.provenance)},
        "thinned": known_thinnings(dataset.provenance),
        "notes": [
            *(["the votes of relabelled rows are all for their new class"] if overruled else []),
            *(
                f"{count:,} rows of {name} were changed: scores on them cannot stand beside those of others"
                for name, count in touched.items()
                if count and name != "train"
            ),
        ],
    }


def write(
    dataset: Dataset,
    output: Path,
    made: Changes,
    record: Mapping[str, Any],
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Publish the rows that are kept, with their labels, at `output`; all else is as it was.

    Where labels change, the attribute `given_label` keeps the first ones, and the row's votes are all for the new
    class. record: the provenance of the new file. advance: is called with the number of rows just done. Raises
    `InputError` where no row is kept, `OutputError` for a full disk; then nothing is written.
    """
    before = dataset.labels(None)
    values = {name: dataset.attribute_values(name) for name in dataset.attribute_names}
    named = {name: names for name, names in values.items() if names is not None}
    marked = GIVEN not in dataset.attribute_names and bool((made.labels != before)[made.keep].any())
    if marked:
        named[GIVEN] = dataset.class_names
    with create_dataset(output, dataset.class_names, named) as writer:
        start = 0
        for records in dataset.records():
            rows = slice(start, start + len(records))
            start = rows.stop
            old = {GIVEN: before[rows]} if marked else {}
            votes = _overruled(records.votes, made.labels[rows], made.labels[rows] != before[rows])
            changed = replace(records, labels=made.labels[rows], votes=votes, attributes={**records.attributes, **old})
            writer.append(changed.take(made.keep[rows]))
            advance(len(records))
        writer.finish(record, dataset.transforms)


def _overruled(votes: Votes | None, labels: Codes, relabelled: Mask) -> Votes | None:
    """The votes (N, K) in which those of relabelled rows are all for the new class.

    Whoever decides has seen what the voters saw and says that they are wrong; a network that learns votes would
    otherwise never hear of it.
    """
    if votes is None:
        return None
    certain = np.eye(votes.shape[1], dtype=np.float32)[labels]
    return np.where(relabelled[:, None], certain, votes)


def _by_name(dataset: Dataset, table: npt.NDArray[np.int64]) -> dict[str, dict[str, int]]:
    return {
        name: dict(zip(SPLITS, map(int, counts), strict=True))
        for name, counts in zip(dataset.class_names, table, strict=True)
    }
